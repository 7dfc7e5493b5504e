"""A session's conversation as the console shows it: a window of messages, long texts cut."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Left, Length

from apps_registry.support.outside_text import storable
from sessions_app.models import ChatSession

MESSAGES_SHOWN = 200
CHARACTERS_SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Window:
    """Some neighbouring messages of a session.

    Attributes:
        messages: in the order in which they were said, as dictionaries for a template.
        total: how many the session has.
        older: the position before which older messages are, or None.
        newer: the position before which the next newer window ends, or None.
    """

    messages: list[dict[str, Any]]
    total: int
    older: int | None
    newer: int | None


def read_window(session: ChatSession, before: int | None) -> Window:
    """Read the newest messages, or the newest of those before a position.

    Args:
        session: whose messages.
        before: a message position; None: from the end.
    """
    everything = session.messages.order_by("-position")
    rows = everything if before is None else everything.filter(position__lt=before)
    fields = ("id", "position", "role", "created_at", "turn_id", "tool_name", "tool_call_id")
    cut = rows.annotate(
        text=Left("content", CHARACTERS_SHOWN),
        text_length=Length("content"),
        arguments=Left("tool_arguments", CHARACTERS_SHOWN),
        thought=Left("reasoning", CHARACTERS_SHOWN),
        thought_length=Length("reasoning"),
    )
    shown_texts = ("text", "text_length", "arguments", "thought", "thought_length")
    found = list(cut.values(*fields, *shown_texts)[: MESSAGES_SHOWN + 1])
    shown = found[:MESSAGES_SHOWN][::-1]
    last = shown[-1]["position"] if shown else -1
    has_newer = before is not None and everything.filter(position__gt=last).exists()
    return Window(
        messages=[_readable(row) for row in shown],
        total=everything.count(),
        older=shown[0]["position"] if len(found) > MESSAGES_SHOWN else None,
        newer=last + 1 + MESSAGES_SHOWN if has_newer else None,
    )


def pretty_json(text: str) -> str:
    """Return JSON with line breaks; any other text as it is."""
    try:
        # An escape may spell half of a surrogate pair, with which no page can be written.
        return storable(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return text


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    is_cut = row["text_length"] > len(row["text"])
    if row["role"] == "tool" and not is_cut:
        row["text"] = pretty_json(row["text"])
    is_thought_cut = row["thought_length"] > len(row["thought"])
    return {**row, "is_cut": is_cut, "is_thought_cut": is_thought_cut, "arguments": pretty_json(row["arguments"])}
