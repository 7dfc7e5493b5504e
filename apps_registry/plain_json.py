"""JSON data from elsewhere in a form that every part of ours can write again."""

import json
import math
from typing import Any

from apps_registry.outside_text import storable

_INTEGERS = range(-(2**63), 2**64)  # what orjson writes


def plain(value: Any, *, max_depth: int, _known: dict[int, Any] | None = None) -> Any:
    """Return data with text as keys, text that can be stored, and integers beyond 64 bits as the nearest number.

    Args:
        value: what a parser returned; parts that occur several times are read once.
        max_depth: how deep lists and objects may be nested.

    Raises:
        ValueError: it is nested deeper, or holds a number that JSON has no word for.
    """
    known = {} if _known is None else _known
    if isinstance(value, dict | list):
        if max_depth == 0:
            raise ValueError("it is nested too deeply")
        if id(value) not in known:

            def within(each: Any) -> Any:
                return plain(each, max_depth=max_depth - 1, _known=known)

            known[id(value)] = (
                {_key(key): within(each) for key, each in value.items()}
                if isinstance(value, dict)
                else [within(each) for each in value]
            )
        return known[id(value)]
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INTEGERS:
        value = float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that JSON has no word for")
    return value


def json_problem(error: Exception) -> str:
    """Return what is wrong with a text that a parser of JSON refused, in words of ours, without a full stop."""
    if isinstance(error, json.JSONDecodeError):
        return f"what is at line {error.lineno}, column {error.colno} does not belong there, or something is missing"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it holds a number of too many digits"


def depth_of(value: Any) -> int:
    """Return how deep lists and objects are nested in data, of any depth."""
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
    return depth


def _key(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return storable(str(key))
