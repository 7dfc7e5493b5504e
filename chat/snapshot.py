"""The snapshot: a session as its client sees it."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson

from chat.message_body import iso, message_body
from chat.rendered import rendered
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
    return {
        "session_id": session.id,
        "app": app,
        "status": session.status,
        "is_processing": session.status == PROCESSING,
        "title": title(session),
        "messages": orjson.Fragment(b"[%b]" % b",".join(filter(None, _messages(session, unfinished, since)))),
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
        "created_at": iso(session.created_at),
        "last_active_at": iso(session.last_active_at),
    }


def _messages(session: Session, unfinished: Sequence[StoredMessage], since: str | None) -> Iterator[bytes]:
    """Yield the JSON of the messages to show, the one that streams in last."""
    later = None if since is None else _after([*session.messages, *unfinished], since)
    if later is None:
        yield rendered.of(session)
        later = unfinished
    for message in later:
        yield orjson.dumps(message_body(message, is_streaming=bool(unfinished) and message is unfinished[-1]))


def _after(said: Sequence[StoredMessage], since: str) -> Sequence[StoredMessage] | None:
    """Return the messages after the one with that id; None when there is none."""
    place = next((number for number, message in enumerate(said, 1) if str(message.id) == since), None)
    return None if place is None else said[place:]


def system_event(kind: str, payload: str) -> dict[str, Any]:
    """Return a system event; the payload is JSON text already."""
    return {kind: orjson.Fragment(payload)}
