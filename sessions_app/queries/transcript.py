"""A window of a session's messages for the admin, with long texts cut."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Left, Length

from apps_registry.support.text.outside_text import storable
from apps_registry.tools.base import is_tool_error
from sessions_app.models import ChatSession

MESSAGES_SHOWN = 100
CHARACTERS_SHOWN = 8_000
LINE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Window:
    """Some consecutive messages of a session.

    Attributes:
        messages: oldest first, as dictionaries for a template.
        total: the number of messages of the session.
        older: the position before which the next older window ends, or None.
        newer: the position before which the next newer window ends, or None.
    """

    messages: list[dict[str, Any]]
    total: int
    older: int | None
    newer: int | None


def read_window(session: ChatSession, before: int | None) -> Window:
    """Read the newest messages, or the newest of those before a position.

    Args:
        session: the session.
        before: a message position; None for the newest messages.
    """
    all_messages = session.messages.order_by("-position")
    messages = all_messages if before is None else all_messages.filter(position__lt=before)
    fields = ("id", "position", "role", "created_at", "turn_id", "tool_name", "tool_call_id")
    cut_messages = messages.annotate(
        text=Left("content", CHARACTERS_SHOWN),
        text_length=Length("content"),
        arguments=Left("tool_arguments", CHARACTERS_SHOWN),
        thought=Left("reasoning", CHARACTERS_SHOWN),
        thought_length=Length("reasoning"),
    )
    shown_texts = ("text", "text_length", "arguments", "thought", "thought_length")
    rows = list(cut_messages.values(*fields, *shown_texts)[: MESSAGES_SHOWN + 1])
    shown_rows = rows[:MESSAGES_SHOWN][::-1]
    last_position = shown_rows[-1]["position"] if shown_rows else -1
    has_newer = before is not None and all_messages.filter(position__gt=last_position).exists()
    return Window(
        messages=[_readable(row) for row in shown_rows],
        total=all_messages.count(),
        older=shown_rows[0]["position"] if len(rows) > MESSAGES_SHOWN else None,
        newer=last_position + 1 + MESSAGES_SHOWN if has_newer else None,
    )


def pretty_json(text: str) -> str:
    """Return JSON with line breaks; return any other text unchanged."""
    try:
        # A JSON escape may be half of a surrogate pair, which cannot be encoded as UTF-8.
        return storable(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return text


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    is_cut = row["text_length"] > len(row["text"])
    has_failed = row["role"] == "tool" and is_tool_error(row["text"])
    if row["role"] == "tool" and not is_cut:
        row["text"] = pretty_json(row["text"])
    return {
        **row,
        "is_cut": is_cut,
        "has_failed": has_failed,
        "is_thought_cut": row["thought_length"] > len(row["thought"]),
        "arguments": pretty_json(row["arguments"]),
        "arguments_line": row["arguments"][:LINE_CHARS],
    }
