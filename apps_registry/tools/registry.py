"""The built-in tools by name. To add one: its file here, its test, its name in the list below."""

from collections.abc import Iterable

from apps_registry.tools.base import Tool
from apps_registry.tools.calculate import calculate
from apps_registry.tools.convert_number_base import convert_number_base
from apps_registry.tools.convert_units import convert_units
from apps_registry.tools.current_time import current_time
from apps_registry.tools.get_wallet import get_wallet


def by_name(tools: Iterable[Tool]) -> dict[str, Tool]:
    """Return the tools by name; raises ValueError when two bear the same."""
    found: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in found:
            raise ValueError(f"two tools are named {tool.name}")
        found[tool.name] = tool
    return found


BUILTIN_TOOLS: dict[str, Tool] = by_name([calculate, convert_number_base, convert_units, current_time, get_wallet])
