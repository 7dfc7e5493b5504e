"""Tools that run in the caller's program: declared by an App, or by a caller for one turn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from apps_registry.http_tools.checks import MAX_DESCRIPTION_CHARS, TOOL_NAME
from apps_registry.http_tools.schema import check, compile_schema, find_schema_problem, is_too_deep
from apps_registry.mcp.lifting import lift
from apps_registry.support.text.outside_text import storable
from apps_registry.tools.base import SEARCH_TOOL, Tool, ToolContext, ToolError


def client_tool(name: str, description: str, parameters: Mapping[str, Any]) -> Tool:
    """Return a tool in the form that models get; calling it here is an error.

    Raises:
        ValueError: the schema is invalid.
    """
    checked = partial(check, compile_schema(parameters))
    return Tool(name, description, parameters, _only_at_the_client, check=checked, runs_at_client=True)


def in_current_dialect(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a caller's schema converted to 2020-12: libraries such as zod write older drafts."""
    return parameters if is_too_deep(parameters) else lift(parameters)


def find_client_tool_fault(name: str, description: str, parameters: Any) -> tuple[str, str] | None:
    """Return which part of a declared tool is wrong, by its name, and why; None if the tool can be offered."""
    if not TOOL_NAME.match(name) or name.lower() == SEARCH_TOOL:
        return "name", f"a name must have 1 to 64 letters, digits, _ or -, and not be {SEARCH_TOOL}"
    if len(description) > MAX_DESCRIPTION_CHARS:
        return "description", f"the description of {name!r} is longer than {MAX_DESCRIPTION_CHARS} characters"
    if storable(description) != description:
        return "description", f"the description of {name!r} has a character that cannot be stored"
    problem = find_schema_problem(parameters)
    return ("parameters", f"the parameters of {name!r}: {problem.rstrip('.')}") if problem else None


def find_client_tool_problem(name: str, description: str, parameters: Any) -> str:
    """Return what is wrong with a declared tool; empty if it can be offered."""
    fault = find_client_tool_fault(name, description, parameters)
    return fault[1] if fault else ""


def _only_at_the_client(_arguments: Mapping[str, Any], _context: ToolContext) -> Any:
    raise ToolError("this tool runs in the caller's program, which has not answered")
