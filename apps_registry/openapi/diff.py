"""What an import would do to an App's tools: three versions of each are compared, field by field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.openapi.convert import ImportedTool
from apps_registry.openapi.operations import Refusal
from apps_registry.support.fingerprint import fingerprint

Kind = Literal["added", "changed", "removed", "turned off", "unchanged"]


@dataclass(frozen=True, slots=True)
class Known:
    """A tool that an earlier import made.

    Attributes:
        definition: as it is now, with what the operator changed.
        imported: as the document had it when it was last imported.
    """

    definition: HttpToolDefinition
    imported: HttpToolDefinition


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a tool that the document changed.

    Attributes:
        is_conflict: the operator changed it too; the operator's value stays.
    """

    name: str
    before: Any
    after: Any
    is_conflict: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What would happen to one tool.

    Attributes:
        key: of its operation.
        definition: what it would be; of one that is removed, what it is.
        imported: what the document says now; None: nothing.
        fields: what differs, for one that changes.
        notes: what was left out of the document's operation.
        secrets: name -> what the operator has to store under it.
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
    """All changes of an import, and what could not be imported."""

    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]

    @property
    def does_something(self) -> bool:
        """Whether applying it would change a tool."""
        return any(change.kind != "unchanged" for change in self.changes)

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of all tools that stay."""
        return {name: words for change in self.changes for name, words in (change.secrets or {}).items()}

    @property
    def secret_hosts(self) -> dict[str, set[str]]:
        """The same secrets with the hosts that they are sent to."""
        hosts: dict[str, set[str]] = {}
        for change in self.changes:
            for name in change.secrets or ():
                hosts.setdefault(name, set()).add(change.definition.host)
        return hosts

    def digest(self) -> str:
        """Return what tells this plan from any other: what was confirmed must be what is applied."""
        return fingerprint(
            *([change.kind, change.key, change.definition.name, change.definition.as_json()] for change in self.changes)
        )


def compare(
    tools: Sequence[ImportedTool],
    refusals: Iterable[Refusal],
    *,
    known: Mapping[str, Known],
    still_there: frozenset[str],
    taken_names: frozenset[str],
) -> OpenAPIPlan:
    """Return what importing would do.

    Args:
        tools: the operations that were chosen or are known, as tools.
        refusals: those that cannot be tools; one that is known stays as it is.
        known: tools of earlier imports of this document, by the key of their operation.
        still_there: the keys of all operations in the document.
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
    for key, present in known.items():
        if key not in still_there:
            # What the operator has put work into is not thrown away.
            kind: Kind = "removed" if present.definition == present.imported else "turned off"
            changes.append(Change(kind, key, present.definition))
    return OpenAPIPlan(tuple(changes), tuple(refused))


def _merged(tool: ImportedTool, known: Known) -> Change:
    """Take over what the document changed, but for what the operator changed."""
    # The name stays what conversations know it by, whatever the prefix is today.
    wanted = replace(tool.definition, name=known.definition.name)
    fields, taken = [], {}
    base, mine = known.imported.as_json(), known.definition.as_json()
    for name, after in wanted.as_json().items():
        if after in (base[name], mine[name]):
            continue
        is_conflict = mine[name] != base[name]
        fields.append(FieldChange(name, mine[name], after, is_conflict))
        if not is_conflict:
            taken[name] = after
    # A tool whose only news is a conflict changes too: the document's side of it is noted, and not asked again.
    kind: Kind = "changed" if fields else "unchanged"
    definition = replace(known.definition, **taken)
    return Change(kind, tool.key, definition, wanted, tuple(fields), tool.notes, tool.secrets)
