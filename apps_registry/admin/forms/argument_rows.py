"""Converts between the rows of the arguments form and JSON Schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("Text", {"type": "string"}),
    "number": ("Number", {"type": "number"}),
    "integer": ("Whole number", {"type": "integer"}),
    "boolean": ("Yes or no", {"type": "boolean"}),
    "texts": ("List of texts", {"type": "array", "items": {"type": "string"}}),
}


@dataclass(frozen=True, slots=True)
class ArgumentRow:
    """One argument.

    Attributes:
        kind: a key of TYPES.
        choices: allowed values of a text argument; empty: any text.
    """

    name: str = ""
    kind: str = "text"
    description: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()


def schema_of(rows: Sequence[ArgumentRow]) -> dict[str, Any]:
    """Return the JSON Schema of these arguments.

    Raises:
        ValueError: two arguments have the same name, or an argument other than text has choices.
    """
    properties: dict[str, Any] = {}
    for row in rows:
        if row.name in properties:
            raise ValueError(f"There are two arguments named {row.name}.")
        if row.choices and row.kind != "text":
            raise ValueError(f"Only text arguments can have choices; {row.name} is not text.")
        described = {"description": row.description} if row.description else {}
        chosen = {"enum": list(row.choices)} if row.choices else {}
        properties[row.name] = {**TYPES[row.kind][1], **described, **chosen}
    required = [row.name for row in rows if row.is_required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def rows_of(schema: Mapping[str, Any]) -> list[ArgumentRow] | None:
    """Return the rows for a schema; None: rows cannot express it."""
    try:
        rows = [
            _row(name, dict(argument), name in schema.get("required", []))
            for name, argument in schema.get("properties", {}).items()
        ]
        is_same = _normal(schema_of(rows)) == _normal(schema)
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError):
        return None
    return rows if is_same else None


def _row(name: str, argument: dict[str, Any], is_required: bool) -> ArgumentRow:
    description, choices = argument.pop("description", ""), argument.pop("enum", ())
    if any(not isinstance(choice, str) or "," in choice or choice != choice.strip() for choice in choices):
        raise ValueError("rows hold choices as text, with commas between them")
    kind = next(kind for kind, (_, meaning) in TYPES.items() if meaning == argument)
    return ArgumentRow(name, kind, description, is_required, tuple(choices))


def _normal(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with explicit defaults; additional arguments are always refused."""
    complete = {"properties": {}, "required": [], "additionalProperties": False, **schema}
    return {**complete, "required": sorted(complete["required"])}
