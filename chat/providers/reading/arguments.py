"""Assembles the arguments of a tool call into one JSON text, in whatever pieces they arrive."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from chat.providers.base import ModelFailure
from chat.providers.reading.json_values import load_exactly


def is_complete(pieces: Sequence[str]) -> bool:
    """Return whether pieces form a complete non-empty object; after `{}`, the real arguments may still follow."""
    # Most pieces do not end an object, so parse them only if the last one may.
    if not pieces or not "".join(pieces[-2:]).rstrip().endswith(("}", '"')):
        return False
    return bool(_object(whole_arguments(pieces)))


def is_repeated(pieces: Sequence[str], text: str) -> bool:
    """Return whether a text repeats the arguments that the pieces form."""
    arguments = whole_arguments(pieces)
    if arguments == text:
        return True
    value = _object(text or "{}")
    return value is not None and value == _object(arguments or "{}")


def may_begin(text: str) -> bool:
    """Return whether a text may start arguments: an object, an object encoded twice, null, or an invalid list."""
    return text.lstrip().startswith(("{", '"', "n", "["))


def continues(pieces: Sequence[str]) -> bool:
    """Return whether pieces are the start of arguments that are still incomplete."""
    return bool(pieces) and may_begin("".join(pieces[:2])) and not is_complete(pieces)


def whole_arguments(pieces: Sequence[str]) -> str:
    """Return the JSON text that pieces form; if they form none, return them joined."""
    joined = "".join(pieces)
    if len(pieces) > 1 and _object(joined) is None and _decoded(joined) is None:
        joined = _without_repetition(pieces, joined)
    text = _decoded(joined)
    return joined if text is None else text


def _object(text: str) -> Any:
    """Parse a JSON object; return None for anything else."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = load_exactly(text)  # otherwise two different integers beyond 64 bits could compare as equal
    except ModelFailure:
        return None
    return value if isinstance(value, dict) else None


def _decoded(text: str) -> str | None:
    """Return the text of an object that was encoded more than once; empty for null; None for anything else."""
    stripped = text.strip()
    if stripped == "null":
        return ""
    if not stripped.startswith('"'):
        return None
    try:
        inner = orjson.loads(stripped)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(inner, str) or inner == stripped:
        return None
    if _object(inner) is not None:
        return inner
    return _decoded(inner)  # some servers encode it three times


def _without_repetition(pieces: Sequence[str], joined: str) -> str:
    """Return the arguments without repeated pieces; if that gives no object, return the pieces joined."""
    last = pieces[-1]
    if _object(last) is not None and _is_snapshot(pieces):
        return last
    if (once := _first_of_equal(joined)) is not None:
        return once
    distinct = [piece for index, piece in enumerate(pieces) if index == 0 or piece != pieces[index - 1]]
    deduplicated = "".join(distinct)
    return deduplicated if _object(deduplicated) is not None else joined


def _is_snapshot(pieces: Sequence[str]) -> bool:
    """Return whether the last piece contains everything in the earlier ones."""
    last, before = pieces[-1], "".join(pieces[:-1])
    if last.startswith(before):
        return True
    return all(last.startswith(piece) for piece in pieces[:-1])


def _first_of_equal(joined: str) -> str | None:
    """Return the first non-empty object of a sequence of equal or empty objects; None for any other text."""
    decoder, start, values = json.JSONDecoder(), 0, []
    try:
        while start < len(joined):
            value, end = decoder.raw_decode(joined, start)
            values.append((value, joined[start:end]))
            start = end + len(joined[end:]) - len(joined[end:].lstrip())
    except (ValueError, RecursionError):
        return None
    non_empty = [(value, text) for value, text in values if value != {}]
    if not non_empty:
        return "{}" if values else None
    first_value, first_text = non_empty[0]
    are_equal = isinstance(first_value, dict) and all(value == first_value for value, _ in non_empty)
    return first_text if are_equal else None
