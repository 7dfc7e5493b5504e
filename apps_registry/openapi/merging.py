"""Merges schemas: `allOf` becomes one schema, `nullable` becomes a type."""

from collections.abc import Mapping
from typing import Any

LOWER_BOUNDS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
UPPER_BOUNDS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
LAST_WINS = {"description", "default", "format"}


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return one schema that accepts what both accept; parts that cannot be merged remain under `allOf`.

    Closed objects (`additionalProperties: false`) are merged as their author intended: all their properties are
    allowed, although by the specification they exclude each other.
    """
    merged = dict(first)
    for keyword, value in second.items():
        if keyword not in merged:
            merged[keyword] = value
        elif merged[keyword] != value:
            _join(merged, keyword, value)
    return merged


def _join(merged: dict[str, Any], keyword: str, value: Any) -> None:
    present = merged[keyword]
    if keyword == "properties":
        shared = {name: merge(present[name], part) if name in present else part for name, part in value.items()}
        merged[keyword] = {**present, **shared}
    elif keyword in {"required", "allOf"}:
        merged[keyword] = [*present, *(member for member in value if member not in present)]
    elif keyword in LOWER_BOUNDS:
        merged[keyword] = max(present, value)
    elif keyword in UPPER_BOUNDS:
        merged[keyword] = min(present, value)
    elif keyword in LAST_WINS:
        merged[keyword] = value
    elif keyword == "additionalProperties":
        merged[keyword] = False if False in (present, value) else present
    elif keyword in {"type", "enum"} and (common := _common(present, value)):
        merged[keyword] = common if keyword == "enum" or len(common) > 1 else common[0]
    else:
        merged["allOf"] = [*merged.get("allOf", []), {keyword: value}]


def _common(first: Any, second: Any) -> list[Any]:
    firsts, seconds = (value if isinstance(value, list) else [value] for value in (first, second))
    common = [value for value in firsts if value in seconds]
    if not common and {"integer", "number"} <= {*map(str, firsts), *map(str, seconds)}:
        return ["integer"]
    return common


def add_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a `nullable` schema of OpenAPI 3.0 in the form of JSON Schema 2020-12."""
    wider = dict(schema)
    if "type" in wider:
        kinds = wider["type"] if isinstance(wider["type"], list) else [wider["type"]]
        wider["type"] = kinds if "null" in kinds else [*kinds, "null"]
    if "enum" in wider and None not in wider["enum"]:
        wider["enum"] = [*wider["enum"], None]
    for keyword in ("anyOf", "oneOf"):
        if keyword in wider:
            wider[keyword] = [*wider[keyword], {"type": "null"}]
    return wider
