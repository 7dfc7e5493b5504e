"""The list of built-in tools."""

import json
import re
import sys
from pathlib import Path

import pytest

from apps_registry import builtin_tools
from apps_registry.builtin_tools.registry import BUILTIN_TOOLS, by_name, discover

SHOUT = '''
from apps_registry.tools.builtin import builtin_tool
from apps_registry.builtin_tools.calculate import calculate

@builtin_tool
def shout(text: str) -> dict[str, str]:
    """Return a text in capital letters."""
    return {"result": text.upper()}
'''


def test_a_tool_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"calculate", "convert_number_base", "convert_units", "current_time", "get_wallet"} <= set(BUILTIN_TOOLS)
    (tmp_path / "shout.py").write_text(SHOUT)
    monkeypatch.setattr(builtin_tools, "__path__", [*builtin_tools.__path__, str(tmp_path)])
    assert {tool.name for tool in discover()} == {*BUILTIN_TOOLS, "shout"}
    del sys.modules["apps_registry.builtin_tools.shout"]


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
