"""How far an App's draft is from what is live."""

from typing import Any

from apps_registry.app_files.errors import AppFileError
from apps_registry.models import App
from apps_registry.releases.content import content_of_release, content_to_publish


def count_draft_changes(app: App) -> int | None:
    """Return the number of settings, tools, servers and documents in which the draft differs from the live release.

    Args:
        app: an App with a live release.

    Returns:
        None if the draft or the release cannot be read.
    """
    if app.live_release is None:
        return None
    try:
        draft, live = content_to_publish(app).as_data(), content_of_release(app.live_release).as_data()
    except AppFileError:
        return None
    return sum(_differences(draft.get(name), live.get(name)) for name in draft.keys() | live.keys())


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
