"""What every tool does with its arguments before it runs."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps_registry.tools.base import MAX_QUOTED, Tool, ToolContext, ToolError, quoted

PARAMETERS = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "flag": {"type": "boolean"},
        "unit": {"type": "string", "enum": ["m", "km"]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["text"],
    "additionalProperties": False,
}


def echo(arguments: Mapping[str, Any], context: ToolContext) -> dict[str, Any]:
    return {"arguments": dict(arguments), "wallet": context.wallet_address}


TOOL = Tool("echo", "Repeats its arguments.", PARAMETERS, echo)


@pytest.mark.parametrize(
    "arguments",
    [
        {"text": ""},
        {"text": "a", "count": 10**30},
        {"text": "a", "ratio": 1.5},
        {"text": "a", "ratio": 2},
        {"text": "a", "flag": False},
        {"text": "a", "unit": "km"},
        {"text": "a", "either": None},
        {"text": "a", "either": 3},
    ],
)
def test_arguments_that_fit_reach_the_function_unchanged(arguments: dict[str, Any]) -> None:
    assert TOOL.call(arguments, ToolContext())["arguments"] == arguments


def test_the_context_reaches_the_function() -> None:
    assert TOOL.call({"text": ""}, ToolContext(wallet_address="0xabc"))["wallet"] == "0xabc"


def test_a_whole_float_is_an_integer() -> None:
    count = TOOL.call({"text": "", "count": 5.0}, ToolContext())["arguments"]["count"]
    assert count == 5
    assert isinstance(count, int)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "must be a JSON object, not an array"),
        (None, "must be a JSON object, not null"),
        ("{}", "must be a JSON object, not a string"),
        ({}, 'The argument "text" is missing. This tool takes: text, count, ratio'),
        ({"text": "a", "txet": "b"}, "There is no argument 'txet'. This tool takes: text, count"),
        ({"text": 1}, '"text" must be a string, not an integer'),
        ({"text": None}, '"text" must be a string, not null'),
        ({"text": ["a"]}, '"text" must be a string, not an array'),
        ({"text": {}}, '"text" must be a string, not an object'),
        ({"text": "a", "count": "5"}, "\"count\" must be an integer (without quotes), not '5'"),
        ({"text": "a", "count": True}, '"count" must be an integer (without quotes), not a boolean'),
        ({"text": "a", "count": 5.5}, '"count" must be an integer (without quotes), not a number'),
        ({"text": "a", "count": float("inf")}, '"count" must be an integer'),
        ({"text": "a", "ratio": True}, '"ratio" must be a finite number'),
        ({"text": "a", "ratio": float("nan")}, '"ratio" must be a finite number'),
        ({"text": "a", "flag": 1}, '"flag" must be true or false'),
        ({"text": "a", "flag": "true"}, '"flag" must be true or false'),
        ({"text": "a", "unit": "mile"}, "\"unit\" must be one of 'm', 'km', not 'mile'"),
        ({"text": "a", "either": "x"}, '"either" must be an integer (without quotes) or null'),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_a_remedy(arguments: Any, message: str) -> None:
    with pytest.raises(ToolError) as error:
        TOOL.call(arguments, ToolContext())
    assert message in str(error.value)


def test_quoted_text_is_short_and_can_be_stored() -> None:
    shown = quoted("\x00\ud800\u202e" + "x" * 10_000)
    assert shown.isprintable()
    assert shown.encode()
    assert len(shown) < MAX_QUOTED + 40
