"""Sample arguments for a test call."""

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
    """Return a sample value for every argument, from the hints of the schema; operators can edit them."""
    properties = parameters.get("properties", {})
    return {name: _sample(schema) for name, schema in properties.items() if isinstance(schema, Mapping)}


def _sample(schema: Mapping[str, Any]) -> Any:
    if "default" in schema:
        return schema["default"]
    for keyword in ("examples", "enum"):
        if isinstance(schema.get(keyword), list) and schema[keyword]:
            return schema[keyword][0]
    kind = schema.get("type")
    return _BY_TYPE.get(kind[0] if isinstance(kind, list) and kind else str(kind), "text")
