"""The snapshot: a session as its client sees it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from sessions_app.values import PROCESSING, Session, StoredMessage

UNTITLED = "New Chat"


def snapshot(
    session: Session,
    *,
    app: str | None,
    unfinished: Sequence[StoredMessage] = (),
    events: Sequence[tuple[str, str]] = (),
    since: str | None = None,
) -> dict[str, Any]:
    """Return the contract's snapshot.

    Args:
        session: with its messages.
        app: its App's slug; None while it is open.
        unfinished: what a running turn has said and not yet stored, in order.
        events: (kind, JSON payload) of the system events to deliver.
        since: the id of the last message that the client has; only later ones are shown. An id that the session
            does not know leaves out nothing.
    """
    said = [*session.messages, *unfinished]
    streaming = unfinished[-1].id if unfinished else None
    messages = [message_body(message, is_streaming=message.id == streaming) for message in said[_place(said, since) :]]
    return {
        "session_id": session.id,
        "app": app,
        "status": session.status,
        "is_processing": session.status == PROCESSING,
        "title": title(session),
        "messages": messages,
        "system_events": [system_event(kind, payload) for kind, payload in events],
        "user_state": None if session.user_state is None else orjson.Fragment(session.user_state),
    }


def empty_snapshot(session_id: UUID, *, user_state: str | None) -> dict[str, Any]:
    """Return the snapshot of a session that does not exist yet."""
    return {
        "session_id": session_id,
        "app": None,
        "status": "idle",
        "is_processing": False,
        "title": UNTITLED,
        "messages": [],
        "system_events": [],
        "user_state": None if user_state is None else orjson.Fragment(user_state),
    }


def title(session: Session) -> str:
    """Return the session's title."""
    return session.title or UNTITLED


def details(session: Session, *, app: str | None) -> dict[str, Any]:
    """Return a session without its messages."""
    return {
        "session_id": session.id,
        "title": title(session),
        "is_archived": session.is_archived,
        "app": app,
        "status": session.status,
        "created_at": _iso(session.created_at),
        "last_active_at": _iso(session.last_active_at),
    }


def _place(said: Sequence[StoredMessage], since: str | None) -> int:
    """Return where the messages after `since` begin."""
    if since is None:
        return 0
    return next((number for number, message in enumerate(said, 1) if str(message.id) == since), 0)


def system_event(kind: str, payload: str) -> dict[str, Any]:
    """Return a system event; the payload is JSON text already."""
    return {kind: orjson.Fragment(payload)}


def message_body(message: StoredMessage, *, is_streaming: bool = False) -> dict[str, Any]:
    """Return a message."""
    is_tool = message.role == "tool"
    return {
        "id": message.id,
        "sender": "agent" if is_tool else message.role,
        "content": "" if is_tool else message.content,
        "timestamp": _iso(message.created_at),
        "is_streaming": is_streaming,
        "tool_result": [message.tool_name, message.content] if is_tool else None,
    }


def _iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds, as JavaScript writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
