"""How much an App's draft differs from the live release, and releases from each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.errors import AppFileError
from apps_registry.models import App, AppRelease
from apps_registry.releases.content import content_of_release, content_to_publish

RELEASES_COMPARED = 10


@dataclass(frozen=True, slots=True)
class DraftState:
    """How a draft differs from the live release.

    Attributes:
        changes: number of settings, tools, servers and documents that differ; None if the draft or the live release
            cannot be read, or none is live.
        equals: another one of the newest releases, which has the content of the draft.
        differing: the names of the settings and lists that differ, as App files have them.
    """

    changes: int | None = None
    equals: AppRelease | None = None
    differing: tuple[str, ...] = ()


def draft_state(app: App, *, compares_others: bool = False) -> DraftState:
    """Compare an App's draft with the live release.

    Args:
        app: the App.
        compares_others: also look for another release with its content, if it differs from the live one.
    """
    live = _content_or_none(app.live_release) if app.live_release else None
    if live is None:
        return DraftState()
    try:
        draft = content_to_publish(app)
    except AppFileError:
        return DraftState()
    one, other = draft.as_data(), live.as_data()
    differing = _differing(one, other)
    changes = sum(_differences(one.get(name), other.get(name)) for name in differing)
    if not (changes and compares_others):
        return DraftState(changes, differing=differing)
    others = app.releases.filter(~Q(pk=app.live_release_id or 0))[:RELEASES_COMPARED]
    equals = next((release for release in others if _content_or_none(release) == draft), None)
    return DraftState(changes, equals, differing)


def changed_parts(before: AppRelease, after: AppRelease) -> list[str]:
    """Return the names of the settings and lists in which two releases differ, in words; empty if one is unreadable."""
    contents = _content_or_none(before), _content_or_none(after)
    if contents[0] is None or contents[1] is None:
        return []
    words = [name.replace("_", " ") for name in _differing(contents[0].as_data(), contents[1].as_data())]
    if not words and list(before.document_ids) != list(after.document_ids):
        return ["documents ingested again"]
    return words


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in {**one, **other} if one.get(name) != other.get(name))


def _content_or_none(release: AppRelease) -> AppContent | None:
    try:
        return content_of_release(release)
    except AppFileError:
        return None


def _differences(one: Any, other: Any) -> int:
    """Count the entries that differ between two lists of named things, or 1 for other values that differ."""
    if one == other:
        return 0
    if not all(isinstance(value, list | None) for value in (one, other)):
        return 1
    entries, others = _by_name(one or []), _by_name(other or [])
    return sum(entries.get(name) != others.get(name) for name in entries.keys() | others.keys()) or 1


def _by_name(entries: list[Any]) -> dict[str, Any]:
    return {
        str(entry.get("name") or entry.get("prefix")) if isinstance(entry, dict) else str(entry): entry
        for entry in entries
    }
