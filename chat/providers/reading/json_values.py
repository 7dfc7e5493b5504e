"""JSON as servers write it: also NaN, halves of surrogate pairs, and nested without end."""

import json
from typing import Any

import orjson

from chat.providers.base import ModelFailure

UNREADABLE = "The model sent something that is not a chat completion stream."


def load(text: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ModelFailure: it is none, or nested too deeply; asking again would not help.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return load_exactly(text)


def load_exactly(text: bytes | str) -> Any:
    """Return the value of a JSON text; integers beyond 64 bits keep all their digits.

    Raises:
        ModelFailure: it is none, or nested too deeply.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFailure(UNREADABLE) from None


def is_json(text: bytes | str) -> bool:
    """Tell whether a text is JSON."""
    try:
        load(text)
    except ModelFailure:
        return False
    return True
