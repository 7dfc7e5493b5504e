"""How a typed function becomes a tool."""

from typing import Annotated, Any, Literal, Optional

import pytest

from apps_registry.tools.base import ToolContext, ToolError
from apps_registry.tools.builtin import builtin_tool


@builtin_tool
def sample(
    text: Annotated[str, "words for the model"],
    count: int,
    context: ToolContext,
    *,
    ratio: float = 0.5,
    flag: bool = False,
    unit: Literal["m", "km"] = "m",
    amount: Annotated[str | float | None, "how much"] = None,
    old: Optional[int] = 3,  # noqa: UP045 - the older spelling must work too
) -> dict[str, Any]:
    """Do something
    with words.

    More, for readers of the code.
    """
    return {"text": text, "count": count, "wallet": context.wallet_address, "rest": [ratio, flag, unit, amount, old]}


def test_name_and_description_come_from_the_function() -> None:
    assert (sample.name, sample.description) == ("sample", "Do something with words.")


def test_schema_comes_from_the_signature_without_the_context() -> None:
    assert sample.parameters == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "words for the model"},
            "count": {"type": "integer"},
            "ratio": {"type": "number", "default": 0.5},
            "flag": {"type": "boolean", "default": False},
            "unit": {"type": "string", "enum": ["m", "km"], "default": "m"},
            "amount": {
                "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}],
                "description": "how much",
                "default": None,
            },
            "old": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 3},
        },
        "required": ["text", "count"],
        "additionalProperties": False,
    }


def test_call_fills_in_defaults_and_context() -> None:
    result = sample.call({"text": "a", "count": 2}, ToolContext(wallet_address="0xabc"))
    assert result == {"text": "a", "count": 2, "wallet": "0xabc", "rest": [0.5, False, "m", None, 3]}


def test_a_model_cannot_send_the_context() -> None:
    with pytest.raises(ToolError, match="no argument 'context'"):
        sample.call({"text": "a", "count": 2, "context": {}}, ToolContext())


def without_docstring(text: str) -> dict[str, Any]:
    return {"text": text}


def with_list(items: list[str]) -> dict[str, Any]:
    """Take a list."""
    return {"items": items}


def with_any_names(**names: str) -> dict[str, Any]:
    """Take anything."""
    return names


@pytest.mark.parametrize("function", [without_docstring, with_list, with_any_names])
def test_a_function_that_cannot_be_shown_to_a_model_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        builtin_tool(function)
