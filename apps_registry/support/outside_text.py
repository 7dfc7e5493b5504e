"""Text and data from outside in a form that PostgreSQL, JSON and UTF-8 can hold.

What a provider, a tool, an MCP server or a document says goes through here where it enters; everything behind takes
it as it is. PostgreSQL holds neither NUL nor half of a surrogate pair, UTF-8 no such half, and JSON can spell both.
"""

import json
import re
from typing import Any

import orjson

REPLACEMENT = "\ufffd"
INTEGER_MAX = 2**31 - 1  # what an integer column holds
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = r"u[dD][89a-fA-F][0-9a-fA-F]{2}"
# One escape of a JSON text: both halves of a pair, a character that cannot be stored, or any other.
_ESCAPE = re.compile(rf"{_PAIR}|\\(?:(?P<bad>u0000|{_HALF})|.)", re.DOTALL)


def storable(text: str) -> str:
    """Return a text with U+FFFD in place of NUL and of halves of surrogate pairs; two halves become a character."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", REPLACEMENT) if "\x00" in text else text


def is_storable(text: str) -> bool:
    """Whether a text can be stored as it is; for what is refused, where other text would be a surprise."""
    return storable(text) == text


def is_storable_data(data: Any) -> bool:
    """Whether JSON data holds only text that can be stored, in names and values."""
    text = json.dumps(data, ensure_ascii=False)
    return storable_json_text(text) == text


def storable_json_text(text: str) -> str:
    """Return JSON text, or what should be it, without NUL and halves of pairs, written out or as escapes."""
    text = storable(text)
    return _ESCAPE.sub(lambda escape: REPLACEMENT if escape["bad"] else escape[0], text) if r"\u" in text else text


def dump_storable(data: Any) -> str:
    """Return data as JSON text that can be stored; what JSON has no word for becomes text.

    Raises:
        RecursionError, TypeError, ValueError: it is nested too deeply, in a circle, or has keys that are no text.
    """
    try:
        text = orjson.dumps(data, default=str).decode()
    except orjson.JSONEncodeError:  # half of a pair, or an integer beyond 64 bits, which JSON can hold
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return storable_json_text(text)


def storable_count(value: object, *, maximum: int = INTEGER_MAX) -> int | None:
    """Return a count that somebody reports; None when it is no whole number from 0 to `maximum`."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= maximum
    return value if is_count else None  # type: ignore[return-value]  # is_count says so
