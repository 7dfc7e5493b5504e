"""The tools that an App's turns may call, in the form in which its draft and its releases both give them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from apps_registry.builtin_tools.registry import BUILTIN_TOOLS
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.tool import Surroundings, http_tool
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.mcp.tool import mcp_tool
from apps_registry.tools.base import Tool
from apps_registry.values import ServerNote


@dataclass(frozen=True, slots=True)
class ToolInUse:
    """A tool that is on.

    Attributes:
        make: returns the tool, given what its App gives to it. Raises TypeError, ValueError or AttributeError: its
            definition cannot be used.
        needs_confirmation: the user is asked before each call.
        note: of the MCP server that it belongs to.
    """

    name: str
    make: Callable[[Surroundings], Tool]
    needs_confirmation: bool = False
    note: ServerNote | None = None


class McpServerSettings(Protocol):
    """How an MCP server is called: a row of McpServer, or what a release holds of one."""

    @property
    def url(self) -> str:
        """Of its endpoint."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By name; templates over the App's secrets."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """For a whole call."""
        ...

    @property
    def max_result_chars(self) -> int:
        """What goes beyond is cut off."""
        ...

    @property
    def keeps_session(self) -> bool:
        """Whether a conversation's turns share a session with the server."""
        ...

    @property
    def instructions(self) -> str:
        """What the server says of its tools' use, as the operator accepted it."""
        ...


def builtin_in_use(name: str, *, needs_confirmation: bool = False) -> ToolInUse:
    """Return a built-in tool; raises KeyError when there is none of this name."""
    tool = BUILTIN_TOOLS[name]
    return ToolInUse(name, lambda _surroundings: tool, needs_confirmation)


def http_in_use(definition: HttpToolDefinition, *, needs_confirmation: bool) -> ToolInUse:
    """Return an HTTP tool whose definition has been checked."""
    return ToolInUse(definition.name, lambda surroundings: http_tool(definition, surroundings), needs_confirmation)


def mcp_in_use(
    name: str,
    read_definition: Callable[[], McpToolDefinition],
    server: McpServerSettings,
    *,
    prefix: str,
    needs_confirmation: bool,
) -> ToolInUse:
    """Return a tool of an MCP server.

    Args:
        name: what the App's model calls it.
        read_definition: returns what the operator accepted; raises TypeError or ValueError when it cannot be read.
        server: how its server is called.
        prefix: with which the names of the server's tools begin.
        needs_confirmation: see `ToolInUse`.
    """

    def make(surroundings: Surroundings) -> Tool:
        return mcp_tool(
            name,
            read_definition(),
            surroundings,
            url=server.url,
            headers=server.headers,
            timeout_seconds=server.timeout_seconds,
            max_result_chars=server.max_result_chars,
            keeps_session=server.keeps_session,
        )

    return ToolInUse(name, make, needs_confirmation, ServerNote(prefix, server.instructions))
