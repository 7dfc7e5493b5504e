"""Paths that select a part of JSON data: `data.items[0].price`, `data[*].id`, `["odd key"]`.

This is our own code because stored tools contain these paths. jmespath refuses `data["odd key"]` and returns null for
missing data; JSONPath (jsonpath-ng, python-jsonpath) returns a list for every path.
"""

import json
import re
from typing import Any

MAX_STEPS = 32
_STEP = re.compile(r"""\.?([^.\[\]"\s]+)|\[(-?[0-9]{1,9})\]|\[(\*)\]|\[("(?:[^"\\]|\\.)*")\]""")

Step = str | int | None


class NotThere(Exception):
    """The data has nothing at the path."""


def parse_path(path: str) -> tuple[Step, ...]:
    """Return the steps of a path: keys, indexes, and None for every item of a list.

    Raises:
        ValueError: it is not a path.
    """
    path = path.strip().removeprefix("$")
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        lacks_dot = match and match[1] and position > 0 and path[position] != "."
        if not match or lacks_dot or len(steps) == MAX_STEPS:
            raise ValueError('Write a path such as data.items[0].price, data[*].id or data["odd key"].')
        key, index, every, quoted = match.groups()
        steps.append(key or (int(index) if index else None if every else json.loads(quoted)))
        position = match.end()
    return tuple(steps)


def pick(data: Any, steps: tuple[Step, ...]) -> Any:
    """Return the data at a path; for `[*]`, items without the rest of the path are left out.

    Raises:
        NotThere: there is no data at the path.
    """
    for number, step in enumerate(steps):
        if step is None:
            if not isinstance(data, list):
                raise NotThere
            return [value for item in data for value in _picked(item, steps[number + 1 :])]
        try:
            if isinstance(step, str):
                data = data[step] if isinstance(data, dict) else _nothing()
            else:
                data = data[step] if isinstance(data, list) else _nothing()
        except (KeyError, IndexError):
            raise NotThere from None
    return data


def _picked(item: Any, steps: tuple[Step, ...]) -> list[Any]:
    try:
        return [pick(item, steps)]
    except NotThere:
        return []


def _nothing() -> Any:
    raise NotThere
