"""Converts schemas of a document to JSON Schema 2020-12 for a model: references expanded, size limited."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps_registry.http_tools.schema import compile_schema
from apps_registry.openapi.document import OpenApiDocument
from apps_registry.openapi.merging import add_null, merge
from apps_registry.support.text.naming import shortened
from apps_registry.support.text.outside_text import is_storable

MAX_NODES = 1500
TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
MAX_PATTERN = 500
MAX_DEFAULT = 200
MAX_NAMES_LISTED = 20


class TooLarge(Exception):
    """The schema is too large at this level of detail."""


@dataclass(frozen=True, slots=True)
class Detail:
    """A level of detail.

    Attributes:
        depth: maximum nesting of objects and lists; deeper ones are described in one line.
        words: maximum length of a description in characters.
        members: maximum number of values of an enumeration, and of alternatives.
    """

    depth: int
    words: int
    members: int


# From most to least detail; the first level that fits is used.
DETAILS = (Detail(8, 400, 100), Detail(5, 250, 60), Detail(3, 160, 40), Detail(2, 100, 30), Detail(1, 80, 20))


class SchemaReader:
    """Reads up to MAX_NODES schemas of one document at one level of detail."""

    def __init__(self, document: OpenApiDocument, detail: Detail) -> None:
        self._document = document
        self._detail = detail
        self._nodes = 0

    def read(self, schema: Any, level: int = 0, trail: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return a schema with expanded references.

        Restrictions that few models understand (`not`, `if`, `patternProperties`) are left out, since the API checks
        them itself.

        Args:
            schema: a schema of OpenAPI 3.0 or 3.1.
            level: its nesting depth.
            trail: the references that led here; a repeated one is cut off.

        Raises:
            TooLarge: more than MAX_NODES were read.
            Unsupported: a reference cannot be followed.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge
        resolved, reference = self._document.resolve(schema)
        if not isinstance(resolved, Mapping):
            return {}
        is_recursive = bool(reference) and reference in trail
        if is_recursive or level >= self._detail.depth:
            return self._in_a_line(resolved, is_recursive)
        return self._whole(resolved, level, (*trail, reference) if reference else trail)

    def words(self, text: Any) -> str:
        """Return a description, shortened for this level of detail."""
        return shortened(text, self._detail.words)

    def _whole(self, schema: Mapping[str, Any], level: int, trail: tuple[str, ...]) -> dict[str, Any]:
        own = self._plain(schema)
        self._read_object(schema, own, level, trail)
        if isinstance(schema.get("items"), Mapping):
            own["items"] = self.read(schema["items"], level + 1, trail)
        for keyword in ("anyOf", "oneOf"):
            if options := _listed(schema.get(keyword)):
                own[keyword] = [self.read(option, level, trail) for option in options[: self._detail.members]]
                if len(options) > self._detail.members:  # alternatives that are not shown must remain allowed
                    own[keyword] = [{}]
        for part in _listed(schema.get("allOf")):
            own = merge(self.read(part, level, trail), own)
        return add_null(own) if schema.get("nullable") is True else own

    def _read_object(self, schema: Mapping[str, Any], own: dict[str, Any], level: int, trail: tuple[str, ...]) -> None:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and properties:
            kept = {str(name): part for name, part in properties.items() if not self._is_read_only(part)}
            own["properties"] = {name: self.read(part, level + 1, trail) for name, part in kept.items()}
            own.setdefault("type", "object")
        more = schema.get("additionalProperties")
        if isinstance(more, bool):
            own["additionalProperties"] = more
        elif isinstance(more, Mapping):
            own["additionalProperties"] = self.read(more, level + 1, trail)
        if required := [str(name) for name in _listed(schema.get("required"))]:
            hidden = properties.keys() - own.get("properties", {}) if isinstance(properties, Mapping) else ()
            own["required"] = [name for name in dict.fromkeys(required) if name not in hidden]

    def _plain(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keywords without schemas; keywords of 3.0 are converted to 2020-12."""
        own: dict[str, Any] = {}
        kinds = schema.get("type")
        if kept := [
            kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str) and kind in TYPES
        ]:
            own["type"] = kept if len(kept) > 1 else kept[0]
        for keyword, is_valid in _VALIDATORS.items():
            if keyword in schema and is_valid(schema[keyword]):
                own[keyword] = schema[keyword]
        for bound in ("Minimum", "Maximum"):
            if schema.get(f"exclusive{bound}") is True and bound.lower() in own:
                own[f"exclusive{bound}"] = own.pop(bound.lower())
        words = schema.get("description") or schema.get("title")
        self._enumerate(schema, own)
        if words := self.words(words):
            own["description"] = f"{words} {own['description']}" if "description" in own else words
        return own

    def _enumerate(self, schema: Mapping[str, Any], own: dict[str, Any]) -> None:
        values = _listed(schema.get("enum"))
        if len(values) > self._detail.members:
            shown = ", ".join(str(value) for value in values[:5])
            own["description"] = f"One of {len(values)} values, such as {shortened(shown, 100)}."
        elif values:
            own["enum"] = values

    def _in_a_line(self, schema: Mapping[str, Any], is_recursive: bool) -> dict[str, Any]:
        own = self._plain(schema)
        words = [own.get("description", "")]
        if is_recursive:
            words.append("The same object, nested.")
        if isinstance(properties := schema.get("properties"), Mapping) and properties:
            own.setdefault("type", "object")
            names = [str(name) for name in list(properties)[:MAX_NAMES_LISTED]]
            words.append(f"Fields: {', '.join(names)}{', …' if len(properties) > MAX_NAMES_LISTED else ''}.")
        if text := " ".join(word for word in words if word):
            own["description"] = text
        return add_null(own) if schema.get("nullable") is True else own

    def _is_read_only(self, part: Any) -> bool:
        resolved, _ = self._document.resolve(part)
        return isinstance(resolved, Mapping) and resolved.get("readOnly") is True


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_small(value: Any) -> bool:
    return value is not None and len(orjson.dumps(value)) <= MAX_DEFAULT


@functools.lru_cache(maxsize=4096)
def _is_pattern(text: str) -> bool:
    """Tell whether this server supports a pattern; look-around and other dialects are left to the API."""
    try:
        compile_schema({"pattern": text})
    except ValueError:
        return False
    return is_storable(text)


_VALIDATORS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(BOUNDS, _is_number),
    **dict.fromkeys(COUNTS, _is_count),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "pattern": lambda value: isinstance(value, str) and len(value) <= MAX_PATTERN and _is_pattern(value),
    "format": lambda value: isinstance(value, str),
    "uniqueItems": lambda value: isinstance(value, bool),
    "const": _is_small,
    "default": _is_small,
}
