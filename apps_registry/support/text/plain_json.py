"""Reads external JSON into data that every writer of this project can serialise."""

import json
import math
import re
from typing import Any

import orjson

from apps_registry.support.text.outside_text import storable

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_BEGINNING = 16_384
_INTEGERS = range(-(2**63), 2**64)  # integers that orjson can write


class TooDeep(ValueError):
    """JSON is nested too deeply; the message names the limit."""

    def __init__(self, max_depth: int) -> None:
        super().__init__(f"it is nested too deeply: the limit is {max_depth} levels")


class TooMany(ValueError):
    """JSON holds more values than its reader takes; the message names the limit."""

    def __init__(self, max_values: int) -> None:
        super().__init__(f"it contains too many values: the limit is {max_values:,}")


def read_json(text: str | bytes, *, max_depth: int) -> Any:
    """Parse external JSON.

    Parsers and serialisers of JSON recurse. Each has its own maximum depth, beyond which it fails or ends the process.
    So external JSON is first limited to a depth that all of them can handle.

    Args:
        text: the JSON.
        max_depth: how deep lists and objects may be nested; a plain value has the depth 0.

    Raises:
        TooDeep: it is nested deeper.
        ValueError: it is not JSON.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # orjson stops at 1,024 levels, before it knows whether the rest is JSON.
        raise (TooDeep(max_depth) if "depth limit" in error.msg else error) from None
    check_depth(value, max_depth)
    return value


def check_size(body: bytes, *, max_values: int, max_depth: int) -> None:
    """Refuse JSON with too many values before it is parsed.

    A megabyte of short lists takes a parser 200 ms and a walk through them 300 more, all of which blocks the event
    loop; counting its commas and brackets takes 3 ms. Those within strings do not count.

    Args:
        body: the JSON, which may be invalid.
        max_values: the approximate maximum number of values.
        max_depth: the maximum nesting of lists and objects.

    Raises:
        TooDeep: it holds more, and its beginning is nested deeper.
        TooMany: it holds more.
    """
    if _marks(body) <= max_values:
        return
    # Each string has two quotes, so that very many strings need not be looked through one by one.
    strings = (body.count(b'"') - body.count(b'\\"')) // 2
    if strings > 2 * max_values or _marks(_STRING.sub(b"", body)) > max_values:
        raise TooDeep(max_depth) if _depth(_STRING.sub(b"", body[:_BEGINNING])) > max_depth else TooMany(max_values)


def _marks(body: bytes) -> int:
    return sum(map(body.count, (b"[", b"{", b",")))


def _depth(marks: bytes) -> int:
    depth = deepest = 0
    for mark in _BRACKET.findall(marks):
        depth += 1 if mark in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def read_json_exactly(text: str, *, max_depth: int) -> Any:
    """Parse external JSON like `read_json`, but keep integers of any length exact."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise TooDeep(max_depth) from None
    check_depth(value, max_depth)
    return value


def check_depth(value: Any, max_depth: int) -> None:
    """Raise TooDeep if data is nested too deeply."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(max_depth):
        if not level:
            return
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    if level:
        raise TooDeep(max_depth)


def plain(value: Any, *, max_depth: int, _known: dict[int, Any] | None = None) -> Any:
    """Return data with string keys, text that can be stored, and integers beyond 64 bits as the nearest float.

    Args:
        value: the result of a parser; an object that occurs several times is converted once.
        max_depth: how deep lists and objects may be nested.

    Raises:
        ValueError: it is nested deeper, or contains infinity or NaN, which JSON does not have.
    """
    known = {} if _known is None else _known
    if isinstance(value, dict | list):
        if max_depth == 0:
            raise ValueError("it is nested too deeply")
        if id(value) not in known:

            def member(value: Any) -> Any:
                return plain(value, max_depth=max_depth - 1, _known=known)

            known[id(value)] = (
                {_key(key): member(child) for key, child in value.items()}
                if isinstance(value, dict)
                else [member(child) for child in value]
            )
        return known[id(value)]
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INTEGERS:
        value = float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it contains a number that JSON cannot represent")
    return value


def json_problem(error: Exception) -> str:
    """Describe why a parser rejected JSON text, as a phrase without a full stop."""
    if isinstance(error, TooDeep):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"there is an unexpected or a missing character at line {error.lineno}, column {error.colno}"
    return (
        "it is nested too deeply" if isinstance(error, RecursionError) else "it contains a number with too many digits"
    )


def _key(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return storable(str(key))
