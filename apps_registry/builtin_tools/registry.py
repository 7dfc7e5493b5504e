"""The built-in tools by name: all functions in this folder with the decorator `@builtin_tool`."""

import importlib
import pkgutil
from collections.abc import Iterable

from apps_registry import builtin_tools
from apps_registry.tools.base import Tool


def by_name(tools: Iterable[Tool]) -> dict[str, Tool]:
    """Return the tools by name; raises ValueError if two have the same name."""
    named: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in named:
            raise ValueError(f"two tools are named {tool.name}")
        named[tool.name] = tool
    return named


def discover() -> Iterable[Tool]:
    """Return the tools of all files; a tool that a file imports from another one is returned once."""
    names = (f"{builtin_tools.__name__}.{info.name}" for info in pkgutil.iter_modules(builtin_tools.__path__))
    modules = [importlib.import_module(name) for name in names if name != __name__]
    return {
        id(value): value for module in modules for value in vars(module).values() if isinstance(value, Tool)
    }.values()


BUILTIN_TOOLS: dict[str, Tool] = by_name(discover())
# Those that a new App has; requests to wallets are for Apps that are made for them.
USUAL_TOOLS = sorted(name for name, tool in BUILTIN_TOOLS.items() if not tool.runs_at_client)
