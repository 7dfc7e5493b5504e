"""The built-in tools by name."""

from apps_registry.tools.base import Tool

BUILTIN_TOOLS: dict[str, Tool] = {}


def builtin_choices() -> list[tuple[str, str]]:
    """Return (name, name) of every built-in tool, for form fields."""
    return [(name, name) for name in sorted(BUILTIN_TOOLS)]
