"""The revisions of MCP that this client speaks, and what requests carry in the one without sessions."""

from collections.abc import Mapping
from typing import Any

from apps_registry.mcp.errors import McpError, quotable
from apps_registry.mcp.param_headers import header_value

OLDER = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = "2026-07-28"
CLIENT = {"name": "aomi-apps", "version": "1"}
UNSUPPORTED_VERSION, METHOD_NOT_FOUND = -32022, -32601
_META = "io.modelcontextprotocol/"


def with_meta(params: Mapping[str, Any], version: str | None) -> dict[str, Any]:
    """Return the parameters of a request, with the metadata that revision 2026-07-28 requires in each."""
    if version != STATELESS:
        return dict(params)
    about = {"protocolVersion": version, "clientInfo": CLIENT, "clientCapabilities": {}}
    return {**params, "_meta": {f"{_META}{name}": value for name, value in about.items()}}


def routing(method: str, params: Mapping[str, Any], version: str | None) -> dict[str, str]:
    """Return the headers by which proxies route requests of revision 2026-07-28."""
    if version != STATELESS:
        return {}
    name_header = {"Mcp-Name": header_value(params["name"])} if "name" in params else {}
    return {"Mcp-Method": method, **name_header}


def refuse_unsupported_versions(error: McpError) -> None:
    """Raise if the server lists its revisions and we support none of them."""
    versions = error.data.get("supported") if isinstance(error.data, dict) else None
    if error.code == UNSUPPORTED_VERSION and isinstance(versions, list) and not {*OLDER} & {*map(str, versions)}:
        raise other_version(versions)


def other_version(versions: list[Any]) -> McpError:
    """Return the error for a server that speaks none of our revisions."""
    version_list = (
        quotable(", ".join(version if isinstance(version, str) else "none" for version in versions[:10]))[:200]
        or "none"
    )
    return McpError(f"it supports version {version_list} of MCP, and this server {', '.join([*OLDER, STATELESS])}")
