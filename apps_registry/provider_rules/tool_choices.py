"""A schema that is one of several, or several at once, written as one object that takes what any of them takes."""

from typing import Any

Schema = dict[str, Any]


class Unfit(Exception):
    """A tool cannot be given to a provider's models; the message says why, without the tool's name."""


def merge_choices(schema: Schema, keyword: str, branches: list[Schema]) -> Schema:
    """Return a schema without one of allOf, anyOf and oneOf.

    Every object that the schema takes, the result takes too; the description says which arguments belong together.

    Args:
        schema: has the keyword.
        keyword: which of them.
        branches: what it holds, references resolved.

    Raises:
        Unfit: a branch is no object.
    """
    for branch in branches:
        if branch.get("type", "object") not in ("object", ["object"]) or "enum" in branch or "const" in branch:
            raise Unfit(f"its schema offers something other than an object under {keyword} at the top")
        if {"oneOf", "anyOf", "allOf", "$ref"} & branch.keys():
            raise Unfit(f"its schema nests choices under {keyword} at the top")
    merged = {name: value for name, value in schema.items() if name != keyword}
    merged["type"] = "object"
    merged["properties"] = _properties(schema, branches)
    required = _required(schema, keyword, branches)
    if required or "required" in merged:
        merged["required"] = required
    if keyword == "allOf" or all(not branch.get("required") for branch in branches):
        return merged
    sets = " or ".join(f"({', '.join(map(str, branch.get('required', [])))})" for branch in branches)
    return with_note(merged, f"{'exactly one' if keyword == 'oneOf' else 'at least one'} of these sets: {sets}")


def with_note(schema: Schema, note: str) -> Schema:
    """Return a schema whose description ends with a note."""
    description = str(schema.get("description", "")).strip()
    return {**schema, "description": f"{description} ({note})".strip() if description else f"({note})"}


def _properties(schema: Schema, branches: list[Schema]) -> Schema:
    kinds: dict[str, list[Any]] = {}
    for part in (schema, *branches):
        for name, value in part.get("properties", {}).items():
            known = kinds.setdefault(name, [])
            known += [value] if value not in known else []
    return {name: values[0] if len(values) == 1 else {"anyOf": values} for name, values in kinds.items()}


def _required(schema: Schema, keyword: str, branches: list[Schema]) -> list[str]:
    own = list(schema.get("required", []))
    each = [list(branch.get("required", [])) for branch in branches]
    if keyword == "allOf":
        more = [name for names in each for name in names]
    else:
        more = [name for name in each[0] if all(name in names for names in each)] if each else []
    return list(dict.fromkeys([*own, *more]))
