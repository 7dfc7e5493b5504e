"""Estimates the cost of validation: a few lines of nested references can keep a validator busy forever.

A validator checks each value of the arguments against every schema that applies to it, and follows each reference every
time. Apart from patterns, its work is the number of values times the count that is computed here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from apps_registry.tools.arguments import MAX_DEPTH

MAX_VISITS = 2_000
# Keywords whose schemas apply to the same value as the schema itself: one schema, a list, an object of schemas.
_SAME_VALUE = (("not", "if", "then", "else"), ("allOf", "anyOf", "oneOf"), ("dependentSchemas",))
_IN_LISTS = (("items", "contains", "unevaluatedItems"), ("prefixItems",), ())
_IN_OBJECTS = (("additionalProperties", "unevaluatedProperties"), (), ("patternProperties",))
_ANYTHING: Mapping[str, Any] = {}  # true and false are schemas too
# Names for items and other properties; names of declared properties begin with a dot.
ITEM, PROPERTY = "[]", "{}"


class TooCostly(Exception):
    """Validation could take very long; the message is for operators."""


class _Reach(NamedTuple):
    """The schemas that one schema reaches: how many for its own value, and how many for nested values, by name."""

    visits: int
    within: Mapping[str, Counter[int]]


def check_cost(root: Mapping[str, Any]) -> None:
    """Refuse a schema that would validate one value more than MAX_VISITS times.

    Args:
        root: a schema whose references have the form `#/…`.

    Raises:
        TooCostly: it would, or a reference has no target or leads back to itself.
    """
    reaches = _Reaches(root)
    reaches.of(root)
    counts = {identity: reach.visits for identity, reach in reaches.known.items()}
    for _ in range(MAX_DEPTH):  # the maximum depth of arguments
        if max(counts.values()) > MAX_VISITS:
            raise TooCostly("Its references multiply: checking arguments against it could take very long.")
        deeper = {identity: _visits_within(reach, counts) for identity, reach in reaches.known.items()}
        if deeper == counts or not any(deeper.values()):
            return
        counts = deeper


def _visits_within(reach: _Reach, counts: Mapping[int, int]) -> int:
    """Return the maximum number of visits of a value one level deeper, given the counts of its schemas."""
    by_name = {
        name: sum(times * counts[child] for child, times in children.items()) for name, children in reach.within.items()
    }
    items, properties = by_name.pop(ITEM, 0), by_name.pop(PROPERTY, 0)
    return max(items, properties + max([0, *by_name.values()]))


class _Reaches:
    """Computes the reach of every schema within a root once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._open: set[int] = set()
        self.known: dict[int, _Reach] = {}

    def of(self, schema: Mapping[str, Any]) -> _Reach:
        """Return the reach of a schema, and store the reach of all schemas that it reaches."""
        waiting, seen = [schema], {id(schema)}
        while waiting:
            current = waiting.pop()
            self._reach_of(current)
            children = [*self._same_value(current), *(child for _, child, _ in self._within(current))]
            waiting += [child for child in children if id(child) not in seen]
            seen.update(map(id, children))
        return self.known[id(schema)]

    def _reach_of(self, schema: Mapping[str, Any]) -> _Reach:
        identity = id(schema)
        if identity in self.known:
            return self.known[identity]
        if identity in self._open or len(self._open) > MAX_DEPTH:
            raise TooCostly("It refers to itself, or its references are nested too deeply.")
        self._open.add(identity)
        visits = 1
        within: dict[str, Counter[int]] = {}
        for name, child, times in self._within(schema):
            within.setdefault(name, Counter())[id(child)] += times
        for child in self._same_value(schema):
            reach = self._reach_of(child)
            visits += reach.visits
            for name, children in reach.within.items():
                within.setdefault(name, Counter()).update(children)
        self._open.discard(identity)
        self.known[identity] = _Reach(visits, within)
        return self.known[identity]

    def _same_value(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if isinstance(schema.get("$ref"), str):
            yield self._target(schema["$ref"])
        yield from _schemas(schema, _SAME_VALUE)

    def _within(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], int]]:
        """Yield the schemas for nested values, each with the name of the value and how often it applies."""
        for child in _schemas(schema, _IN_LISTS):
            yield ITEM, child, 1
        for child in _schemas(schema, _IN_OBJECTS):
            yield PROPERTY, child, 1
        others = schema.get("additionalProperties")
        properties = schema.get("properties")
        for name, child in properties.items() if isinstance(properties, dict) else ():
            yield f".{name}", child if isinstance(child, dict) else _ANYTHING, 1
            if isinstance(others, dict):  # applies to undeclared properties only
                yield f".{name}", others, -1

    def _target(self, reference: str) -> Mapping[str, Any]:
        node: Any = self._root
        for part in reference[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdecimal() and len(name) < 6:
                node = dict(enumerate(node)).get(int(name))
            else:
                node = node.get(name) if isinstance(node, dict) else None
        if isinstance(node, bool):
            return _ANYTHING
        if not isinstance(node, dict):
            raise TooCostly(f"The reference {reference[:200]} has no target.")
        return node


def _schemas(schema: Mapping[str, Any], keywords: tuple[tuple[str, ...], ...]) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas under keywords with one schema, with a list of schemas, and with an object of schemas."""
    single, lists, objects = keywords
    candidates = [schema.get(keyword) for keyword in single]
    for keyword in lists:
        candidates += schema[keyword] if isinstance(schema.get(keyword), list) else []
    for keyword in objects:
        candidates += schema[keyword].values() if isinstance(schema.get(keyword), dict) else []
    yield from (candidate for candidate in candidates if isinstance(candidate, dict))
