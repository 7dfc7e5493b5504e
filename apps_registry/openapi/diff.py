"""Computes the changes of an import by a three-way comparison of each tool, field by field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.openapi.convert import ImportedTool
from apps_registry.openapi.operations import Refusal
from apps_registry.support.fingerprint import fingerprint

Kind = Literal["added", "changed", "removed", "turned off", "unchanged"]


@dataclass(frozen=True, slots=True)
class ExistingTool:
    """A tool of an earlier import.

    Attributes:
        definition: the current definition, with changes of the operator.
        imported: the definition of the document at the last import.
    """

    definition: HttpToolDefinition
    imported: HttpToolDefinition


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a tool that changed in the document.

    Attributes:
        is_conflict: whether the operator also changed the field; the operator's value is kept.
    """

    name: str
    before: Any
    after: Any
    is_conflict: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one tool.

    Attributes:
        key: key of the operation.
        definition: the new definition; for a removed tool, the current one.
        imported: the definition of the document; None: the operation is no longer in it.
        fields: changed fields.
        notes: notes about parts of the operation that were left out.
        secrets: the value that the operator must store, described by the name of the secret.
    """

    kind: Kind
    key: str
    definition: HttpToolDefinition
    imported: HttpToolDefinition | None = None
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()
    secrets: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OpenAPIPlan:
    """All changes of an import, and the operations that cannot be imported."""

    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]

    @property
    def does_something(self) -> bool:
        """Whether applying the plan would change a tool."""
        return any(change.kind != "unchanged" for change in self.changes)

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of all tools after the import."""
        return {name: value for change in self.changes for name, value in (change.secrets or {}).items()}

    @property
    def secret_hosts(self) -> dict[str, set[str]]:
        """The same secrets with the hosts that they are sent to."""
        hosts: dict[str, set[str]] = {}
        for change in self.changes:
            for name in change.secrets or ():
                hosts.setdefault(name, set()).add(change.definition.host)
        return hosts

    def digest(self) -> str:
        """Return a digest that identifies the plan, so that only a confirmed plan is applied."""
        return fingerprint(
            *([change.kind, change.key, change.definition.name, change.definition.as_json()] for change in self.changes)
        )


def compare(
    tools: Sequence[ImportedTool],
    refusals: Iterable[Refusal],
    *,
    known: Mapping[str, ExistingTool],
    still_there: frozenset[str],
    taken_names: frozenset[str],
) -> OpenAPIPlan:
    """Return the changes of an import.

    Args:
        tools: the tools of the selected and of the earlier imported operations.
        refusals: operations that cannot be tools; an earlier imported one does not change.
        known: tools of earlier imports of this document, by the key of the operation.
        still_there: keys of all operations in the document.
        taken_names: names of all tools of the App, in lower case.
    """
    changes: list[Change] = []
    refused = list(refusals)
    for tool in tools:
        if tool.key in known:
            changes.append(_merged(tool, known[tool.key]))
        elif tool.definition.name.lower() in taken_names:
            reason = f"the App has another tool named {tool.definition.name}; import with a prefix"
            refused.append(Refusal(tool.key, tool.definition.method, tool.definition.url, reason))
        else:
            changes.append(Change("added", tool.key, tool.definition, tool.definition, (), tool.notes, tool.secrets))
    for key, existing in known.items():
        if key not in still_there:
            # Tools with changes of the operator are kept.
            kind: Kind = "removed" if existing.definition == existing.imported else "turned off"
            changes.append(Change(kind, key, existing.definition))
    return OpenAPIPlan(tuple(changes), tuple(refused))


def _merged(tool: ImportedTool, known: ExistingTool) -> Change:
    """Take over the changes of the document, except in fields that the operator changed."""
    # The name does not change, even with another prefix: existing conversations use it.
    imported = replace(tool.definition, name=known.definition.name)
    fields, accepted = [], {}
    base, current = known.imported.as_json(), known.definition.as_json()
    for name, after in imported.as_json().items():
        if after in (base[name], current[name]):
            continue
        is_conflict = current[name] != base[name]
        fields.append(FieldChange(name, current[name], after, is_conflict))
        if not is_conflict:
            accepted[name] = after
    # A conflict alone is a change too: the document's value is stored, so that it is not reported again.
    kind: Kind = "changed" if fields else "unchanged"
    definition = replace(known.definition, **accepted)
    return Change(kind, tool.key, definition, imported, tuple(fields), tool.notes, tool.secrets)
