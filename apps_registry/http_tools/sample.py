"""Arguments to try a tool with."""

from collections.abc import Mapping
from typing import Any

_BY_TYPE: dict[str, Any] = {
    "string": "text",
    "number": 1.5,
    "integer": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def sample_arguments(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every argument, as the schema hints at it: an operator puts better ones in its place."""
    properties = parameters.get("properties", {})
    return {name: _sample(schema) for name, schema in properties.items() if isinstance(schema, Mapping)}


def _sample(schema: Mapping[str, Any]) -> Any:
    if "default" in schema:
        return schema["default"]
    for several in ("examples", "enum"):
        if isinstance(schema.get(several), list) and schema[several]:
            return schema[several][0]
    kind = schema.get("type")
    return _BY_TYPE.get(kind[0] if isinstance(kind, list) and kind else str(kind), "text")
