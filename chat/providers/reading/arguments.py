"""The arguments of a tool call as one JSON text, however the pieces of it were sent."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from chat.providers.base import ModelFailure
from chat.providers.reading.json_values import load_exactly


def is_complete(pieces: Sequence[str]) -> bool:
    """Tell whether pieces make a whole object that says something: `{}` may be followed by the arguments."""
    # Most pieces do not end an object: only one that may is worth reading them all.
    if not pieces or not "".join(pieces[-2:]).rstrip().endswith(("}", '"')):
        return False
    return bool(_object(whole_arguments(pieces)))


def is_repeated(pieces: Sequence[str], text: str) -> bool:
    """Tell whether a text repeats the arguments that the pieces make."""
    known = whole_arguments(pieces)
    if known == text:
        return True
    value = _object(text or "{}")
    return value is not None and value == _object(known or "{}")


def may_begin(text: str) -> bool:
    """Tell whether arguments may begin with a text: an object, one encoded twice, null, or a list in its place."""
    return text.lstrip().startswith(("{", '"', "n", "["))


def continues(pieces: Sequence[str]) -> bool:
    """Tell whether pieces are the beginning of arguments, of which more is to come."""
    return bool(pieces) and may_begin("".join(pieces[:2])) and not is_complete(pieces)


def whole_arguments(pieces: Sequence[str]) -> str:
    """Return the JSON text that pieces make; where they make none, they are returned joined."""
    joined = "".join(pieces)
    if len(pieces) > 1 and _object(joined) is None and _decoded(joined) is None:
        joined = _without_repetition(pieces, joined)
    text = _decoded(joined)
    return joined if text is None else text


def _object(text: str) -> Any:
    """Return the object that a text is; None when it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = load_exactly(text)  # two numbers beyond 64 bits would look equal otherwise
    except ModelFailure:
        return None
    return value if isinstance(value, dict) else None


def _decoded(text: str) -> str | None:
    """Return the object's text in a JSON text of a JSON text; empty for null; None for anything else."""
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
    return _decoded(inner)  # some encode it thrice


def _without_repetition(pieces: Sequence[str], joined: str) -> str:
    """Return what pieces say when some of them repeat others; joined, when that cannot be told."""
    last = pieces[-1]
    if _object(last) is not None and _is_snapshot(pieces):
        return last
    if (once := _first_of_equal(joined)) is not None:
        return once
    distinct = [piece for place, piece in enumerate(pieces) if place == 0 or piece != pieces[place - 1]]
    without = "".join(distinct)
    return without if _object(without) is not None else joined


def _is_snapshot(pieces: Sequence[str]) -> bool:
    """Tell whether the last piece says all that those before it have said."""
    last, before = pieces[-1], "".join(pieces[:-1])
    if last.startswith(before):
        return True
    return all(last.startswith(piece) for piece in pieces[:-1])


def _first_of_equal(joined: str) -> str | None:
    """Return the one object of several in a row that are equal, or empty but for one; None for another text."""
    decoder, at, values = json.JSONDecoder(), 0, []
    try:
        while at < len(joined):
            value, end = decoder.raw_decode(joined, at)
            values.append((value, joined[at:end]))
            at = end + len(joined[end:]) - len(joined[end:].lstrip())
    except (ValueError, RecursionError):
        return None
    said = [(value, text) for value, text in values if value != {}]
    if not said:
        return "{}" if values else None
    first = said[0][0]
    is_one = isinstance(first, dict) and all(value == first for value, _ in said)
    return said[0][1] if is_one else None
