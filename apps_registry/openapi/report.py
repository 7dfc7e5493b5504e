"""Formats a plan as lines of text for the command."""

from collections.abc import Iterator
from typing import Any

import orjson

from apps_registry.openapi.diff import FieldChange, OpenAPIPlan
from apps_registry.openapi.operations import Operation
from apps_registry.support.text.naming import shortened

SIGNS = {"added": "+", "changed": "~", "removed": "-", "turned off": "-", "unchanged": "="}
VALUE_CHARS = 200


def operation_lines(operations: list[Operation], known: set[str]) -> Iterator[str]:
    """Yield one line for each operation; a star marks those that are already tools."""
    for operation in operations:
        mark = "*" if operation.key in known else " "
        tags = f"  [{', '.join(operation.tags)}]" if operation.tags else ""
        yield f"{mark} {operation.key}  {operation.method} {operation.path}  {operation.summary}{tags}"


def plan_lines(plan: OpenAPIPlan) -> Iterator[str]:
    """Yield the changes, the operations that cannot be imported, and the required secrets."""
    for change in plan.changes:
        definition = change.definition
        yield f"{SIGNS[change.kind]} {definition.name}  {change.kind}  {definition.method} {definition.url}"
        for field in change.fields:
            yield f"    {field_line(field)}"
        for note in change.notes if change.kind != "unchanged" else ():
            yield f"    {note}"
    for refusal in plan.refusals:
        yield f"! {refusal.key}  not imported: {refusal.reason}"
    for name, description in plan.secrets.items():
        yield f"secret {name} for {' and '.join(sorted(plan.secret_hosts[name]))}: {description}"


def field_line(field: FieldChange) -> str:
    """Return the change of a field in one line."""
    before, after = shown(field.before), shown(field.after)
    if field.is_conflict:
        return f"{field.name}: your value is kept ({before}); the document has {after}"
    return f"{field.name}: {before} -> {after}"


def shown(value: Any) -> str:
    """Return a shortened value."""
    return shortened(orjson.dumps(value).decode(), VALUE_CHARS)


def counts(plan: OpenAPIPlan) -> str:
    """Return a one-line summary of the plan."""
    kinds = [change.kind for change in plan.changes]
    parts = [f"{kinds.count(kind)} {kind}" for kind in SIGNS if kind in kinds]
    parts += [f"{len(plan.refusals)} not imported"] if plan.refusals else []
    return ", ".join(parts) or "nothing selected"
