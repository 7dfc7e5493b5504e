"""The list of built-in tools."""

import importlib
import json
import pkgutil
import re

import pytest

from apps_registry import tools
from apps_registry.tools.base import Tool
from apps_registry.tools.registry import BUILTIN_TOOLS, by_name


def test_every_tool_in_the_package_is_registered() -> None:
    modules = [
        importlib.import_module(f"{tools.__name__}.{info.name}") for info in pkgutil.iter_modules(tools.__path__)
    ]
    found = {value.name for module in modules for value in vars(module).values() if isinstance(value, Tool)}
    assert found == set(BUILTIN_TOOLS)


@pytest.mark.parametrize("name", BUILTIN_TOOLS)
def test_tools_can_be_offered_to_any_model(name: str) -> None:
    tool = BUILTIN_TOOLS[name]
    assert tool.name == name
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
    assert 20 < len(tool.description) < 1024
    assert json.loads(json.dumps(tool.parameters)) == tool.parameters


def test_two_tools_of_one_name_are_an_error() -> None:
    tool = next(iter(BUILTIN_TOOLS.values()))
    with pytest.raises(ValueError, match="two tools are named"):
        by_name([tool, tool])
