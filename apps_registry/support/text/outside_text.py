"""Makes external text and data safe to store: valid in PostgreSQL, JSON and UTF-8.

Input from a provider, a tool, an MCP server or a document is cleaned here when it arrives; the rest of the code relies
on that. PostgreSQL cannot store NUL or half of a surrogate pair, UTF-8 cannot encode such a half, and JSON can contain
both.
"""

import json
import re
from typing import Any

import orjson

REPLACEMENT = "\ufffd"
INTEGER_MAX = 2**31 - 1  # maximum of an integer column
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = r"u[dD][89a-fA-F][0-9a-fA-F]{2}"
# One escape in JSON text: a whole surrogate pair, a character that cannot be stored, or any other escape.
_ESCAPE = re.compile(rf"{_PAIR}|\\(?:(?P<bad>u0000|{_HALF})|.)", re.DOTALL)


def storable(text: str) -> str:
    """Replace NUL and lone halves of surrogate pairs by U+FFFD, and join two matching halves to one character."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", REPLACEMENT) if "\x00" in text else text


def is_storable(text: str) -> bool:
    """Whether a text can be stored unchanged; for input that is refused rather than changed."""
    return storable(text) == text


def is_storable_data(data: Any) -> bool:
    """Whether all text in JSON data, in names and values, can be stored."""
    text = json.dumps(data, ensure_ascii=False)
    return storable_json_text(text) == text


def storable_json_text(text: str) -> str:
    """Replace NUL and lone halves of surrogate pairs in text that may be JSON, both as characters and as escapes."""
    text = storable(text)
    return _ESCAPE.sub(lambda escape: REPLACEMENT if escape["bad"] else escape[0], text) if r"\u" in text else text


def dump_storable(data: Any) -> str:
    """Return data as JSON text that can be stored; values without a JSON type become strings.

    Raises:
        RecursionError, TypeError, ValueError: it is nested too deeply, contains itself, or has keys other than text.
    """
    try:
        text = orjson.dumps(data, default=str).decode()
    except orjson.JSONEncodeError:  # half of a surrogate pair, or an integer beyond 64 bits, which JSON can contain
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return storable_json_text(text)


def storable_count(value: object, *, maximum: int = INTEGER_MAX) -> int | None:
    """Return a reported count; None if it is not a whole number from 0 to `maximum`."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= maximum
    return value if is_count else None  # type: ignore[return-value]  # is_count implies int
