"""The tools of an App's draft, from its rows; some may be unusable."""

from collections.abc import Iterator
from functools import partial

from apps_registry.builtin_tools.registry import BUILTIN_TOOLS
from apps_registry.http_tools.checks import find_problems
from apps_registry.http_tools.tool import Surroundings, http_tool
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App
from apps_registry.models import Tool as ToolRow
from apps_registry.services.client_tools import client_tool
from apps_registry.services.tools_in_use import ToolInUse, builtin_in_use, mcp_in_use
from apps_registry.tools.base import Tool


def draft_tools(app: App) -> list[ToolInUse]:
    """Return the tools that are turned on."""
    rows = app.tools.filter(is_enabled=True).select_related("mcp_server")
    return [tool for row in rows for tool in _in_use(row)]


def _in_use(row: ToolRow) -> Iterator[ToolInUse]:
    if row.kind == ToolRow.Kind.HTTP:
        yield ToolInUse(row.name, partial(_http_tool, row), row.needs_confirmation)
    elif row.kind == ToolRow.Kind.MCP and row.mcp_server is not None:
        yield mcp_in_use(
            row.name,
            partial(McpToolDefinition.from_text, row.definition),
            row.mcp_server.settings,
            prefix=row.mcp_server.slug,
            needs_confirmation=row.needs_confirmation,
        )
    elif row.kind == ToolRow.Kind.CLIENT:
        yield ToolInUse(row.name, partial(_client_tool, row))
    elif row.kind == ToolRow.Kind.BUILTIN and row.name in BUILTIN_TOOLS:
        yield builtin_in_use(row.name, needs_confirmation=row.needs_confirmation)


def _client_tool(row: ToolRow, _surroundings: Surroundings) -> Tool:
    try:
        description, parameters = row.client_definition()
    except KeyError as error:
        raise ValueError(str(error)) from None
    return client_tool(row.name, description, parameters)


def _http_tool(row: ToolRow, surroundings: Surroundings) -> Tool:
    definition = row.http_definition()
    if problems := find_problems(definition):
        raise ValueError(problems[0].attribute)
    return http_tool(definition, surroundings)
