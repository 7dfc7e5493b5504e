"""The content of an App as plain values, so that a file and the database can be compared."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from apps_registry.http_tools.checks import secrets_used
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.templates import placeholders
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.support.http.origins import host_of
from apps_registry.values import McpServerSettings


@dataclass(frozen=True, slots=True)
class HttpToolContent:
    """An HTTP tool with its switches."""

    definition: HttpToolDefinition
    is_enabled: bool = True
    needs_confirmation: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, without fields that have their defaults."""
        defaults = {field.name: _default(field) for field in fields(HttpToolDefinition)}
        data = {name: value for name, value in self.definition.as_json().items() if value != defaults[name]}
        return {"name": self.definition.name, **_switches(self), **data}


@dataclass(frozen=True, slots=True)
class ClientToolContent:
    """A tool that the App's clients run."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    is_enabled: bool = True

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, without a switch that has its default."""
        switch = {} if self.is_enabled else {"is_enabled": False}
        return {"name": self.name, **switch, "description": self.description, "parameters": dict(self.parameters)}


@dataclass(frozen=True, slots=True)
class McpToolContent:
    """A chosen tool of an MCP server, as the operator accepted it; the App's model knows it as `name`."""

    name: str
    definition: McpToolDefinition
    is_enabled: bool = True
    needs_confirmation: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, without fields that have their defaults."""
        return {"name": self.name, **_switches(self), **self.definition.as_json()}


@dataclass(frozen=True, slots=True)
class McpServerContent:
    """An MCP server with its chosen tools and its instructions, as the operator accepted them."""

    prefix: str
    settings: McpServerSettings
    tools: tuple[McpToolContent, ...]

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, without empty settings and switches that are off."""
        settings = {name: value for name, value in asdict(self.settings).items() if value}
        return {
            "prefix": self.prefix,
            **settings,
            "tools": [tool.as_data() for tool in self.tools],
        }


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A document; the SHA-256 of its content, in hexadecimal, represents the content."""

    name: str
    sha256: str
    tags: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {"name": self.name, **({"tags": list(self.tags)} if self.tags else {}), "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class AppContent:
    """The content of an App: everything except its secrets, keys, sessions and whether it is active.

    Attributes:
        settings: those of its own fields (see the `settings` module) that differ from their defaults.
        default_model: a name, like the alternatives and the embedding model.
    """

    slug: str
    settings: Mapping[str, Any]
    default_model: str
    alternative_models: tuple[str, ...] = ()
    embedding_model: str = ""
    builtin_tools: tuple[str, ...] = ()
    http_tools: tuple[HttpToolContent, ...] = ()
    client_tools: tuple[ClientToolContent, ...] = ()
    mcp_servers: tuple[McpServerContent, ...] = ()
    documents: tuple[DocumentContent, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data, in an order that suits human readers."""
        data = {
            "slug": self.slug,
            **self.settings,
            "default_model": self.default_model,
            "alternative_models": list(self.alternative_models),
            "embedding_model": self.embedding_model,
            "builtin_tools": list(self.builtin_tools),
            "http_tools": [tool.as_data() for tool in self.http_tools],
            "client_tools": [tool.as_data() for tool in self.client_tools],
            "mcp_servers": [server.as_data() for server in self.mcp_servers],
            "documents": [document.as_data() for document in self.documents],
        }
        return {name: value for name, value in data.items() if value not in ([], "")}

    def normalized(self) -> "AppContent":
        """Return a sorted copy, so that equal contents compare equal; only the order of alternatives has meaning."""
        servers = (
            replace(server, tools=tuple(sorted(server.tools, key=lambda tool: tool.name)))
            for server in sorted(self.mcp_servers, key=lambda server: server.prefix)
        )
        return replace(
            self,
            builtin_tools=tuple(sorted(self.builtin_tools)),
            http_tools=tuple(sorted(self.http_tools, key=lambda tool: tool.definition.name)),
            client_tools=tuple(sorted(self.client_tools, key=lambda tool: tool.name)),
            mcp_servers=tuple(servers),
            documents=tuple(sorted(self.documents, key=lambda document: document.name)),
        )

    def secrets(self) -> dict[str, set[str]]:
        """Return the names of the secrets that its tools send, each with the hosts that receive it."""
        hosts: dict[str, set[str]] = {}
        for tool in self.http_tools:
            for name in secrets_used(tool.definition):
                hosts.setdefault(name, set()).add(tool.definition.host)
        for server in self.mcp_servers:
            for namespace, name in placeholders(server.settings.headers):
                if namespace == "secrets":
                    hosts.setdefault(name, set()).add(host_of(server.settings.url))
        return hosts


def _default(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _switches(tool: HttpToolContent | McpToolContent) -> dict[str, bool]:
    off = {} if tool.is_enabled else {"is_enabled": False}
    return {**off, **({"needs_confirmation": True} if tool.needs_confirmation else {})}
