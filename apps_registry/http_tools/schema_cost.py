"""How much work a schema can make: a few lines of references that point to references may take a validator for ever.

A validator holds one place of the arguments against every schema that applies to it, and follows each reference
each time; patterns aside, its work is the number of places times what is counted here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from apps_registry.tools.arguments import MAX_DEPTH

MAX_VISITS = 2_000
# What they hold applies to the same place as the schema itself: one schema, a list of them, an object of them.
_SAME_PLACE = (("not", "if", "then", "else"), ("allOf", "anyOf", "oneOf"), ("dependentSchemas",))
_IN_LISTS = (("items", "contains", "unevaluatedItems"), ("prefixItems",), ())
_IN_OBJECTS = (("additionalProperties", "unevaluatedProperties"), (), ("patternProperties",))
_ANYTHING: Mapping[str, Any] = {}  # true and false are schemas too
# Names of places within, beside those of properties, which begin with a dot.
ITEM, PROPERTY = "[]", "{}"


class TooCostly(Exception):
    """Checking arguments could take very long; the message is for operators."""


class _Reach(NamedTuple):
    """What one schema leads to: how many schemas apply to its own place, and which to the places within, by name."""

    visits: int
    within: Mapping[str, Counter[int]]


def check_cost(root: Mapping[str, Any]) -> None:
    """Refuse a schema by which one place of the arguments would be visited more than MAX_VISITS times.

    Args:
        root: a schema whose references are of the form `#/…`.

    Raises:
        TooCostly: it is so, or a reference leads nowhere or back to itself.
    """
    reaches = _Reaches(root)
    reaches.of(root)
    counts = {identity: reach.visits for identity, reach in reaches.known.items()}
    for _ in range(MAX_DEPTH):  # arguments are not nested deeper
        if max(counts.values()) > MAX_VISITS:
            raise TooCostly("Its references multiply: checking arguments against it could take very long.")
        deeper = {identity: _visits_within(reach, counts) for identity, reach in reaches.known.items()}
        if deeper == counts or not any(deeper.values()):
            return
        counts = deeper


def _visits_within(reach: _Reach, counts: Mapping[int, int]) -> int:
    """Return how often a place one level deeper is visited at most, given the counts of what applies there."""
    by_name = {
        name: sum(times * counts[child] for child, times in children.items()) for name, children in reach.within.items()
    }
    items, properties = by_name.pop(ITEM, 0), by_name.pop(PROPERTY, 0)
    return max(items, properties + max([0, *by_name.values()]))


class _Reaches:
    """The reach of every schema within a root, each found once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._open: set[int] = set()
        self.known: dict[int, _Reach] = {}

    def of(self, schema: Mapping[str, Any]) -> _Reach:
        """Return a schema's reach, and note it with that of all schemas that it leads to."""
        waiting, seen = [schema], {id(schema)}
        while waiting:
            found = waiting.pop()
            self._at_its_place(found)
            below = [*self._same_place(found), *(child for _, child, _ in self._within(found))]
            waiting += [child for child in below if id(child) not in seen]
            seen.update(map(id, below))
        return self.known[id(schema)]

    def _at_its_place(self, schema: Mapping[str, Any]) -> _Reach:
        identity = id(schema)
        if identity in self.known:
            return self.known[identity]
        if identity in self._open or len(self._open) > MAX_DEPTH:
            raise TooCostly("It refers to itself without end, or nearly so.")
        self._open.add(identity)
        visits = 1
        within: dict[str, Counter[int]] = {}
        for name, child, times in self._within(schema):
            within.setdefault(name, Counter())[id(child)] += times
        for child in self._same_place(schema):
            reach = self._at_its_place(child)
            visits += reach.visits
            for name, children in reach.within.items():
                within.setdefault(name, Counter()).update(children)
        self._open.discard(identity)
        self.known[identity] = _Reach(visits, within)
        return self.known[identity]

    def _same_place(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if isinstance(schema.get("$ref"), str):
            yield self._target(schema["$ref"])
        yield from _schemas(schema, _SAME_PLACE)

    def _within(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], int]]:
        """Yield the schemas for places within, each with the place and how often it applies there."""
        for child in _schemas(schema, _IN_LISTS):
            yield ITEM, child, 1
        for child in _schemas(schema, _IN_OBJECTS):
            yield PROPERTY, child, 1
        others = schema.get("additionalProperties")
        properties = schema.get("properties")
        for name, child in properties.items() if isinstance(properties, dict) else ():
            yield f".{name}", child if isinstance(child, dict) else _ANYTHING, 1
            if isinstance(others, dict):  # which holds for other names only
                yield f".{name}", others, -1

    def _target(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._root
        for part in reference[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and len(name) < 6:
                found = dict(enumerate(found)).get(int(name))
            else:
                found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, bool):
            return _ANYTHING
        if not isinstance(found, dict):
            raise TooCostly(f"The reference {reference[:200]} leads nowhere.")
        return found


def _schemas(schema: Mapping[str, Any], keywords: tuple[tuple[str, ...], ...]) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas under keywords of one schema, of a list of schemas, of an object of schemas."""
    one, many, named = keywords
    found = [schema.get(keyword) for keyword in one]
    for keyword in many:
        found += schema[keyword] if isinstance(schema.get(keyword), list) else []
    for keyword in named:
        found += schema[keyword].values() if isinstance(schema.get(keyword), dict) else []
    yield from (each for each in found if isinstance(each, dict))
