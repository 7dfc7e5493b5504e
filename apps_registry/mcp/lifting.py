"""Converts JSON Schemas of older drafts to 2020-12, where their meaning is clear.

Most servers generate schemas with libraries that write draft-07; some write draft-04 or OpenAPI's variant of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

# Keywords that hold schemas. Elsewhere the same words are data, such as a property called "items".
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("contains", "propertyNames", "not", "if", "then", "else"),
    }
)
_OLD_REFERENCE, _REFERENCE = "#/definitions/", "#/$defs/"
# These name a draft or a URL. Neither is followed.
_DROPPED = frozenset({"$schema", "$id", "$comment", "$recursiveAnchor"})
_MAY_BE_NULL = frozenset({"const", "default"})


def lift(schema: Any) -> Any:
    """Return a schema converted to 2020-12; unknown keywords do not change.

    Args:
        schema: data; the caller has checked that it is not nested too deeply for recursion.
    """
    if not isinstance(schema, Mapping):
        return schema
    lifted = {name: _within(name, value) for name, value in schema.items() if _is_kept(name, value)}
    if flagged := _flags(schema.get("properties")):
        listed = lifted.get("required")
        lifted["required"] = list(dict.fromkeys([*(listed if isinstance(listed, list) else ()), *flagged]))
    for convert in _CONVERSIONS:
        convert(lifted)
    return lifted


def _is_kept(name: str, value: Any) -> bool:
    """Tell whether to keep a keyword; serialisers of Go, C# and Python write unset ones as null."""
    return name not in _DROPPED and (value is not None or name in _MAY_BE_NULL)


def _within(name: str, value: Any) -> Any:
    if name in _NAMED and isinstance(value, Mapping):
        return {key: lift(subschema) for key, subschema in value.items()}
    if name in _LISTED and isinstance(value, list):
        return [lift(subschema) for subschema in value]
    if name == "items" and isinstance(value, list):
        return [lift(subschema) for subschema in value]
    return lift(value) if name in _SINGLE else value


def _definitions(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("definitions"), Mapping) and isinstance(schema.get("$defs", {}), Mapping):
        schema["$defs"] = {**schema.pop("definitions"), **schema.get("$defs", {})}
    if "$recursiveRef" in schema:  # 2019-09 uses an anchor for this
        schema["$ref"] = schema.pop("$recursiveRef")
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_OLD_REFERENCE):
        schema["$ref"] = _REFERENCE + reference.removeprefix(_OLD_REFERENCE)


def _items(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if "additionalItems" in schema:
            schema["items"] = schema["additionalItems"]
    schema.pop("additionalItems", None)  # has no meaning next to a single schema for all items


def _dependencies(schema: dict[str, Any]) -> None:
    dependencies = schema.get("dependencies")
    if not isinstance(dependencies, Mapping):
        return
    del schema["dependencies"]
    required = {name: dependency for name, dependency in dependencies.items() if isinstance(dependency, list)}
    schemas = {name: lift(dependency) for name, dependency in dependencies.items() if not isinstance(dependency, list)}
    for keyword, converted in (("dependentRequired", required), ("dependentSchemas", schemas)):
        if converted:
            schema[keyword] = {**converted, **schema.get(keyword, {})}


def _bounds(schema: dict[str, Any]) -> None:
    """Draft-04 puts a flag next to the bound."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(exclusive), bool):
            is_exclusive = schema.pop(exclusive)
            if is_exclusive and bound in schema:
                schema[exclusive] = schema.pop(bound)


def _nullable(schema: dict[str, Any]) -> None:
    """OpenAPI 3.0 uses a flag instead of a type."""
    if schema.pop("nullable", None) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]


def _required(schema: dict[str, Any]) -> None:
    """Draft-03 puts a flag in each property; anywhere else the flag has no meaning."""
    if isinstance(schema.get("required"), bool):
        del schema["required"]


def _flags(properties: Any) -> list[str]:
    """Return the properties that have their own `required` flag."""
    named_schemas = properties.items() if isinstance(properties, Mapping) else ()
    return [
        name
        for name, subschema in named_schemas
        if isinstance(subschema, Mapping) and subschema.get("required") is True
    ]


_CONVERSIONS: tuple[Callable[[dict[str, Any]], None], ...] = (
    _definitions,
    _items,
    _dependencies,
    _bounds,
    _nullable,
    _required,
)
