"""Merges the alternatives of a schema into one object that accepts what any of them accepts."""

from typing import Any

Schema = dict[str, Any]


class Unfit(Exception):
    """A provider does not accept a tool; the message says why, without the tool's name."""


def merge_choices(schema: Schema, keyword: str, branches: list[Schema]) -> Schema:
    """Return a schema without one of allOf, anyOf and oneOf.

    The result accepts every object that the schema accepts; the description says which arguments belong together.

    Args:
        schema: a schema with the keyword.
        keyword: allOf, anyOf or oneOf.
        branches: the schemas under the keyword, with resolved references.

    Raises:
        Unfit: a branch is not an object.
    """
    for branch in branches:
        if branch.get("type", "object") not in ("object", ["object"]) or "enum" in branch or "const" in branch:
            raise Unfit(f"its schema has something other than an object under {keyword} at the top level")
        if {"oneOf", "anyOf", "allOf", "$ref"} & branch.keys():
            raise Unfit(f"its schema has nested alternatives under {keyword} at the top level")
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
    by_branch = [list(branch.get("required", [])) for branch in branches]
    if keyword == "allOf":
        more = [name for names in by_branch for name in names]
    else:
        more = [name for name in by_branch[0] if all(name in names for names in by_branch)] if by_branch else []
    return list(dict.fromkeys([*own, *more]))
