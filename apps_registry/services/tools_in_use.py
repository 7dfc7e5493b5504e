"""The tools that an App's turns may call, in the form in which its draft and its releases both give them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps_registry.builtin_tools.registry import BUILTIN_TOOLS
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.tool import Surroundings, http_tool
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.mcp.tool import mcp_tool
from apps_registry.services.client_tools import client_tool
from apps_registry.tools.base import Tool
from apps_registry.values import McpServerSettings, ServerNote


@dataclass(frozen=True, slots=True)
class ToolInUse:
    """A tool that is turned on.

    Attributes:
        make: returns the tool, given the surroundings that its App provides. Raises TypeError, ValueError or
            AttributeError if its definition cannot be used.
        needs_confirmation: the user is asked before each call.
        note: the instructions of the MCP server that it belongs to.
    """

    name: str
    make: Callable[[Surroundings], Tool]
    needs_confirmation: bool = False
    note: ServerNote | None = None


def builtin_in_use(name: str, *, needs_confirmation: bool = False) -> ToolInUse:
    """Return a built-in tool; raises KeyError when there is none of this name."""
    tool = BUILTIN_TOOLS[name]
    return ToolInUse(name, lambda _surroundings: tool, needs_confirmation)


def client_in_use(name: str, description: str, parameters: Mapping[str, Any]) -> ToolInUse:
    """Return a tool that the App declares for its clients to run."""
    return ToolInUse(name, lambda _surroundings: client_tool(name, description, parameters))


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
        server: how to call its server.
        prefix: the prefix of the names of the server's tools.
        needs_confirmation: see `ToolInUse`.
    """

    def make(surroundings: Surroundings) -> Tool:
        return mcp_tool(name, read_definition(), server, surroundings)

    return ToolInUse(name, make, needs_confirmation, ServerNote(prefix, server.instructions))
