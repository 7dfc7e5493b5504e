"""What an App is made of, as plain values: what a file holds and what the database holds are compared as these."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from apps_registry.http_tools.checks import secrets_used
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.templates import placeholders
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.support.origins import host_of
from apps_registry.values import McpServerSettings


@dataclass(frozen=True, slots=True)
class HttpToolContent:
    """An HTTP tool, on or off, asked about before each call or not."""

    definition: HttpToolDefinition
    is_enabled: bool = True
    needs_confirmation: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return it without what is as usual."""
        usual = {each.name: _usual(each) for each in fields(HttpToolDefinition)}
        data = {name: value for name, value in self.definition.as_json().items() if value != usual[name]}
        return {"name": self.definition.name, **_switches(self), **data}


@dataclass(frozen=True, slots=True)
class McpToolContent:
    """A chosen tool of an MCP server, as it was accepted; `name` is what the App's model calls it."""

    name: str
    definition: McpToolDefinition
    is_enabled: bool = True
    needs_confirmation: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return it without what is as usual."""
        return {"name": self.name, **_switches(self), **self.definition.as_json()}


@dataclass(frozen=True, slots=True)
class McpServerContent:
    """An MCP server with the tools that were chosen, and its instructions as they were accepted."""

    prefix: str
    settings: McpServerSettings
    tools: tuple[McpToolContent, ...]

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, without settings that are empty or off."""
        settings = {name: value for name, value in asdict(self.settings).items() if value}
        return {
            "prefix": self.prefix,
            **settings,
            "tools": [tool.as_data() for tool in self.tools],
        }


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A document: its content counts as its SHA-256, in hexadecimal."""

    name: str
    sha256: str
    tags: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"name": self.name, **({"tags": list(self.tags)} if self.tags else {}), "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class AppContent:
    """An App, but for its secrets, keys, sessions and whether it is on.

    Attributes:
        settings: its own fields (see `settings`) that are not as usual.
        default_model: by name, as the alternatives and the embedding model are.
    """

    slug: str
    settings: Mapping[str, Any]
    default_model: str
    alternative_models: tuple[str, ...] = ()
    embedding_model: str = ""
    builtin_tools: tuple[str, ...] = ()
    http_tools: tuple[HttpToolContent, ...] = ()
    mcp_servers: tuple[McpServerContent, ...] = ()
    documents: tuple[DocumentContent, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, in the order in which people read it."""
        data = {
            "slug": self.slug,
            **self.settings,
            "default_model": self.default_model,
            "alternative_models": list(self.alternative_models),
            "embedding_model": self.embedding_model,
            "builtin_tools": list(self.builtin_tools),
            "http_tools": [tool.as_data() for tool in self.http_tools],
            "mcp_servers": [server.as_data() for server in self.mcp_servers],
            "documents": [document.as_data() for document in self.documents],
        }
        return {name: value for name, value in data.items() if value not in ([], "")}

    def in_order(self) -> "AppContent":
        """Return it sorted, so that equal ones are equal; only the order of alternatives means something."""
        servers = (
            replace(server, tools=tuple(sorted(server.tools, key=lambda tool: tool.name)))
            for server in sorted(self.mcp_servers, key=lambda server: server.prefix)
        )
        return replace(
            self,
            builtin_tools=tuple(sorted(self.builtin_tools)),
            http_tools=tuple(sorted(self.http_tools, key=lambda tool: tool.definition.name)),
            mcp_servers=tuple(servers),
            documents=tuple(sorted(self.documents, key=lambda document: document.name)),
        )

    def secrets(self) -> dict[str, set[str]]:
        """Return the names of the secrets that its tools send, each with the hosts that get it."""
        hosts: dict[str, set[str]] = {}
        for tool in self.http_tools:
            for name in secrets_used(tool.definition):
                hosts.setdefault(name, set()).add(tool.definition.host)
        for server in self.mcp_servers:
            for namespace, name in placeholders(server.settings.headers):
                if namespace == "secrets":
                    hosts.setdefault(name, set()).add(host_of(server.settings.url))
        return hosts


def _usual(each: Any) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    return each.default


def _switches(tool: HttpToolContent | McpToolContent) -> dict[str, bool]:
    off = {} if tool.is_enabled else {"is_enabled": False}
    return {**off, **({"needs_confirmation": True} if tool.needs_confirmation else {})}
