"""Reads external JSON into data that every writer of this project can serialise."""

import json
import math
from typing import Any

import orjson

from apps_registry.support.outside_text import storable

_INTEGERS = range(-(2**63), 2**64)  # integers that orjson can write


class TooDeep(ValueError):
    """JSON is nested too deeply; the message names the limit."""

    def __init__(self, max_depth: int) -> None:
        super().__init__(f"it is nested too deeply: {max_depth} levels are the limit")


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
