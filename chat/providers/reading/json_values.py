"""Parses the JSON of real servers, which may contain NaN, lone surrogates and endless nesting."""

import json
from typing import Any

import orjson

from chat.providers.base import ModelFailure

UNREADABLE = "The model sent something that is not a chat completion stream."


def load(text: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ModelFailure: it is invalid or nested too deeply; a retry would not help.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return load_exactly(text)


def load_exactly(text: bytes | str) -> Any:
    """Return the value of a JSON text; integers beyond 64 bits keep all their digits.

    Raises:
        ModelFailure: it is invalid or nested too deeply.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFailure(UNREADABLE) from None


def is_json(text: bytes | str) -> bool:
    """Return whether a text is valid JSON."""
    try:
        load(text)
    except ModelFailure:
        return False
    return True
