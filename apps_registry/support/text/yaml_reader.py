"""Reads YAML as OpenAPI defines it: only the JSON types of YAML 1.2, with protection against YAML bombs.

The native parser builds its tree by recursion: 30,000 brackets overflow the C stack and end the process. So the tree is
built here from its events, which come one at a time, and depth and size are checked before anything grows.

This is our own code because no package meets all requirements (tried in November 2026). ruamel.yaml 0.19 reads YAML 1.2
only in Python, 19 times slower, and does not stop an alias bomb; py-yaml12 0.2 does not terminate on one. ryaml 0.5,
yaml-rs 0.1 and py-yaml12 read hexadecimal and infinite numbers, ignore merge keys, and do not report duplicate keys.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_NODES = 2_000_000  # with every alias expanded; GitHub's whole API has 600,000
MAX_DEPTH = 200

_PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    "merge": (r"<<", ["<"]),
}
_TAG = "tag:yaml.org,2002:"
# The types of unquoted scalars, which the YAML writer uses too: tag, pattern, first characters.
PLAIN_RESOLVERS = [
    (f"{_TAG}{kind}", re.compile(rf"(?:{pattern})\Z"), firsts) for kind, (pattern, firsts) in _PLAIN.items()
]
_PATTERNS = {tag.removeprefix(_TAG): pattern for tag, pattern, _ in PLAIN_RESOLVERS}
_KINDS_BY_FIRST = {
    first: [kind for kind, (_, firsts) in _PLAIN.items() if first in firsts]
    for first in {first for _, firsts in _PLAIN.values() for first in firsts}
}
_MERGE = object()  # the key `<<`
_NO_KEY = object()


@dataclass(slots=True)
class _Known:
    """A finished value.

    Attributes:
        size: number of nodes, with every alias expanded.
        height: nesting depth of the lists and mappings in it.
    """

    value: Any
    size: int
    height: int


@dataclass(slots=True)
class _Open:
    """A list or a mapping that is not finished yet."""

    value: list[Any] | dict[Any, Any]
    anchor: str | None
    size: int = 1
    height: int = 0
    key: Any = _NO_KEY
    names: set[str] = field(default_factory=set)
    merged: list[Any] = field(default_factory=list)


def load_yaml(text: str, *, unique_keys: bool = False) -> Any:
    """Parse YAML text that contains one document.

    Args:
        text: the YAML.
        unique_keys: reject a mapping that contains a key twice; otherwise the last value counts.

    Raises:
        ValueError: it is not YAML, has several documents or custom tags, or is too large or too deep once its aliases
            are expanded; the message says which.
    """
    try:
        loader = yaml.CSafeLoader(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is not readable YAML ({type(error).__name__})") from None
    try:
        return _Builder(unique_keys).build(_events(loader))
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"it is not YAML{line}: {error.problem}") from None
    except (yaml.YAMLError, TypeError) as error:
        raise ValueError(f"it is not readable YAML ({type(error).__name__})") from None
    finally:
        loader.dispose()


def _events(loader: yaml.CSafeLoader) -> Iterator[yaml.Event]:
    while (event := loader.get_event()) is not None:
        yield event


class _Builder:
    """Builds lists, mappings and values from events; all aliases of an anchor share one object."""

    def __init__(self, unique_keys: bool) -> None:
        self._unique_keys = unique_keys
        self._open: list[_Open] = []
        self._anchors: dict[str, _Known | None] = {}  # None: not finished yet
        self._documents = 0
        self._root: Any = None

    def build(self, events: Iterator[yaml.Event]) -> Any:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._take(event, _Known(_scalar(event), 1, 0), event.anchor)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._begin(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._take(event, self._aliased(event), None)
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        raise _problem(event, "there is a second document")
        if not self._documents:
            raise ValueError("it is empty")
        return self._root

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        is_list = isinstance(event, yaml.SequenceStartEvent)
        _check_tag(event, "seq" if is_list else "map")
        if len(self._open) == MAX_DEPTH:
            raise _problem(event, f"it is nested too deeply: the limit is {MAX_DEPTH} levels")
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open([] if is_list else {}, event.anchor))

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        done = self._open.pop()
        value = done.value
        if done.merged and isinstance(value, dict):
            # Earlier mappings win over later ones, and the mapping's own members win over both.
            merged = {name: member for mapping in reversed(done.merged) for name, member in mapping.items()}
            value = merged | value
        self._take(event, _Known(value, done.size, done.height + 1), done.anchor)

    def _aliased(self, event: yaml.AliasEvent) -> _Known:
        if event.anchor not in self._anchors:
            raise _problem(event, f"there is no anchor {str(event.anchor)[:60]!r}")
        known = self._anchors[event.anchor]
        if known is None:
            raise ValueError("one of its aliases contains itself")
        return known

    def _take(self, event: yaml.Event, known: _Known, anchor: str | None) -> None:
        """Add a value to the innermost open list or mapping."""
        if anchor:
            self._anchors[anchor] = known
        if not self._open:
            self._root = known.value
            return
        parent = self._open[-1]
        parent.size += known.size
        parent.height = max(parent.height, known.height)
        if parent.size > MAX_NODES or len(self._open) + known.height > MAX_DEPTH:
            raise _problem(event, "its aliases or its nesting make it too large")
        if isinstance(parent.value, list):
            parent.value.append(known.value)
        elif parent.key is _NO_KEY:
            parent.key = self._key(event, known.value, parent.names)
        elif parent.key is _MERGE:
            parent.key = _NO_KEY
            parent.merged += _mappings(event, known.value)
        else:
            parent.value[parent.key] = known.value
            parent.key = _NO_KEY

    def _key(self, event: yaml.Event, value: Any, names: set[str]) -> Any:
        if isinstance(value, list | dict):
            raise _problem(event, "a list or a mapping cannot be a name")
        if self._unique_keys and isinstance(event, yaml.ScalarEvent):
            if event.value in names:
                raise ValueError(f"{event.value[:60]!r} occurs twice, the second time in line {_line(event)}")
            names.add(event.value)
        return value


def _scalar(event: yaml.ScalarEvent) -> Any:
    """Return the value of a scalar: by its tag if it has one, as text if it is quoted, else by its form."""
    text: str = event.value
    if event.tag is None or event.tag == "!":
        return _plain(text) if event.implicit[0] else text
    kind = _kind_of(event)
    if kind not in _PLAIN and kind != "str":
        raise ValueError(f"it has a tag without a JSON type, {event.tag[:60]}")
    if kind == "str":
        return text
    if not _PATTERNS[kind].match(text):
        raise _problem(event, f"{text[:60]!r} does not match its tag")
    return _value(kind, text)


def _plain(text: str) -> Any:
    for kind in _KINDS_BY_FIRST.get(text[:1], ()):
        if _PATTERNS[kind].match(text):
            return _value(kind, text)
    return text


def _value(kind: str, text: str) -> Any:
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            # Python parses at most 4,300 digits; a longer number is infinite in JSON.
            return int(text) if len(text) <= 4000 else float(text)
        case "float":
            return float(text)
    return _MERGE


def _mappings(event: yaml.Event, value: Any) -> list[Any]:
    """Return the mappings that a merge key `<<` refers to."""
    mappings = value if isinstance(value, list) else [value]
    if not all(isinstance(mapping, dict) for mapping in mappings):
        raise _problem(event, "only mappings can be merged by <<")
    return mappings


def _check_tag(event: yaml.CollectionStartEvent, kind: str) -> None:
    if event.tag not in {None, "!", f"{_TAG}{kind}"}:
        raise ValueError(f"it has a tag without a JSON type, {event.tag[:60]}")


def _kind_of(event: yaml.ScalarEvent) -> str:
    tag = str(event.tag)
    return tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""


def _line(event: yaml.Event) -> int:
    mark: Any = event.start_mark
    return int(mark.line) + 1


def _problem(event: yaml.Event, problem: str) -> ValueError:
    return ValueError(f"in line {_line(event)}, {problem}")
