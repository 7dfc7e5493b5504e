"""JSON data from elsewhere in a form that every part of ours can write again."""

import json
import math
from typing import Any

import orjson

from apps_registry.support.outside_text import storable

_INTEGERS = range(-(2**63), 2**64)  # what orjson writes


class TooDeep(ValueError):
    """JSON is nested deeper than its reader takes; the message names the limit."""

    def __init__(self, max_depth: int) -> None:
        super().__init__(f"it is nested too deeply: {max_depth} levels are the limit")


def read_json(text: str | bytes, *, max_depth: int) -> Any:
    """Return what JSON from outside says.

    Readers and writers of JSON recurse, each down to another depth, at which it fails or ends the process: what
    comes from outside is held to a depth that all of them take before anything else is done with it.

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
    """Return what JSON from outside says, with integers of any length as they are; see `read_json`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise TooDeep(max_depth) from None
    check_depth(value, max_depth)
    return value


def check_depth(value: Any, max_depth: int) -> None:
    """Refuse data that is nested too deeply; raises TooDeep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(max_depth):
        if not level:
            return
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
    if level:
        raise TooDeep(max_depth)


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
    if isinstance(error, TooDeep):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"what is at line {error.lineno}, column {error.colno} does not belong there, or something is missing"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it holds a number of too many digits"


def _key(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return storable(str(key))
