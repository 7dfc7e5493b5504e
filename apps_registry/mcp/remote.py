"""Talks to an MCP server through the official `mcp` package, which is optional and loaded when first needed."""

import asyncio
import importlib
import importlib.util
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import httpx2

from apps_registry.mcp.transport import RecordingTransport
from apps_registry.outbound.client import MAX_PER_HOST, OWN_HEADERS, CallRecord
from apps_registry.outbound.errors import OutboundError
from apps_registry.outside_text import storable

MAX_PAGES = 20
MAX_TOOLS = 500
ERROR_CHARS = 1000

_gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


class McpError(Exception):
    """The server cannot be reached, or answers with an error; the message may be shown to a model."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is and what to send to it.

    Attributes:
        headers: as they are sent, secrets and all.
        allowed_hosts: hosts, as host:port, that may be of a private network.
        timeout_seconds: for everything that is done in one connection.
    """

    url: str
    headers: Mapping[str, str]
    allowed_hosts: frozenset[str]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as its server describes it."""

    name: str
    description: str
    parameters: dict[str, Any]


async def list_tools(endpoint: Endpoint, records: list[CallRecord]) -> list[OfferedTool]:
    """Return all tools that a server offers.

    Raises:
        McpError: it cannot be asked, or never ends.
    """
    found: list[OfferedTool] = []
    async with _session(endpoint, records) as client:
        cursor = None
        for _ in range(MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += [OfferedTool(tool.name, tool.description or "", tool.input_schema) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        if cursor or len(found) > MAX_TOOLS:
            raise McpError(f"the server offers more than {MAX_TOOLS} tools")
    return found


async def call_tool(
    endpoint: Endpoint, name: str, arguments: Mapping[str, Any], records: list[CallRecord]
) -> tuple[str, bool]:
    """Call a tool; returns what it says as text, and whether the server calls that an error.

    Raises:
        McpError: there is no result.
    """
    async with _session(endpoint, records) as client:
        # Not `client.call_tool`: it holds results against the server's own schema, with patterns that may hang.
        types = client_module().types
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=dict(arguments)))
        result = await client.session.send_request(request, types.CallToolResult)
    return storable(_text(result)), bool(result.is_error)


def is_installed() -> bool:
    """Whether the `mcp` package is there."""
    return importlib.util.find_spec("mcp") is not None


def client_module() -> Any:
    """Return the package's client; the first time this takes over a second."""
    return importlib.import_module("mcp.client.client")


@asynccontextmanager
async def _session(endpoint: Endpoint, records: list[CallRecord]) -> AsyncIterator[Any]:
    """Give a client that is connected; whatever goes wrong becomes an McpError."""
    if not is_installed():
        raise McpError("MCP is not installed on this server (the extra “mcp”)")
    module = await asyncio.to_thread(client_module)
    transport = RecordingTransport(endpoint.allowed_hosts, records)
    gate = _gates.setdefault(httpx2.URL(endpoint.url).netloc.decode(), asyncio.Semaphore(MAX_PER_HOST))
    try:
        async with (
            asyncio.timeout(endpoint.timeout_seconds),
            gate,
            httpx2.AsyncClient(
                transport=transport,
                headers={"User-Agent": OWN_HEADERS["User-Agent"], **endpoint.headers},
                timeout=endpoint.timeout_seconds,
                trust_env=False,
            ) as http,
            module.Client(
                module.streamable_http_client(endpoint.url, http_client=http), cache=None, raise_exceptions=False
            ) as client,
        ):
            yield client
    except TimeoutError:
        if records:
            records[-1].verdict = "timed out"
        raise McpError(f"no complete answer came within {endpoint.timeout_seconds:g} seconds") from None
    except McpError:
        raise
    except Exception as error:  # the package raises many kinds, most of them in groups
        raise McpError(_why(error, transport.failure)) from None


def _why(error: BaseException, failure: OutboundError | None) -> str:
    if failure is not None:
        return str(failure)
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no complete answer came in time"
    # What the package says of a server's error is the server's own words; of anything else, only the kind is told.
    if type(error).__name__ == "MCPError":
        return f"the server answered: {storable(str(error))[:ERROR_CHARS]}"
    return f"the connection broke ({type(error).__name__})"


def _text(result: Any) -> str:
    parts = [_READERS.get(part.type, _unreadable)(part) for part in result.content]
    if not parts and result.structured_content is not None:
        return _spelled(result.structured_content)
    return "\n".join(parts)


def _spelled(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _resource(part: Any) -> str:
    text = getattr(part.resource, "text", None)
    return text if isinstance(text, str) else f"[a resource that is not text: {part.resource.uri}]"


def _unreadable(part: Any) -> str:
    return f"[{part.type} that is not shown: {getattr(part, 'mime_type', '')}]"


_READERS: dict[str, Callable[[Any], str]] = {
    "text": lambda part: str(part.text),
    "resource": _resource,
    "resource_link": lambda part: f"[resource {part.name}: {part.uri}]",
}
