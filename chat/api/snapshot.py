"""The snapshot: a session as its client sees it."""

from collections.abc import Iterator, Sequence
from typing import cast
from uuid import UUID

import orjson

from chat.api.rendered import rendered
from chat.turns.message_body import iso, message_bodies
from chat.wire.sessions import SessionDetails, Snapshot, SystemEvent
from chat.wire.values import Status
from sessions_app.values import PROCESSING, Session, StoredMessage

UNTITLED = "New Chat"


def snapshot(
    session: Session,
    *,
    app: str | None,
    unfinished: Sequence[StoredMessage] = (),
    events: Sequence[tuple[str, str]] = (),
    since: str = "",
) -> Snapshot:
    """Return the contract's snapshot.

    Args:
        session: with its messages.
        app: its App's slug; None while it is open.
        unfinished: what a running turn has said and not yet stored, in order.
        events: (kind, JSON payload) of the system events to deliver.
        since: the id of the last message that the client has; only later ones are shown. An id that the session
            does not know, such as an empty one, leaves out nothing.
    """
    return {
        "session_id": session.id,
        "app": app,
        "status": cast(Status, session.status),
        "is_processing": session.status == PROCESSING,
        "title": title(session),
        "messages": orjson.Fragment(b"[%b]" % b",".join(filter(None, _messages(session, unfinished, since)))),
        "system_events": [system_event(kind, payload) for kind, payload in events],
        "user_state": None if session.user_state is None else orjson.Fragment(session.user_state),
    }


def empty_snapshot(session_id: UUID, *, user_state: str | None) -> Snapshot:
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


def details(session: Session, *, app: str | None) -> SessionDetails:
    """Return a session without its messages."""
    return {
        "session_id": session.id,
        "title": title(session),
        "is_archived": session.is_archived,
        "app": app,
        "status": cast(Status, session.status),
        "created_at": iso(session.created_at),
        "last_active_at": iso(session.last_active_at),
    }


def _messages(session: Session, unfinished: Sequence[StoredMessage], since: str) -> Iterator[bytes]:
    """Yield the JSON of the messages to show, the one that streams in last."""
    said = [*session.messages, *unfinished] if unfinished else session.messages
    start = _after(said, since) if since else None
    if start is None:
        yield rendered.of(session)
        start = len(session.messages)
    yield from map(orjson.dumps, message_bodies(said, start, streaming=unfinished[-1] if unfinished else None))


def _after(said: Sequence[StoredMessage], since: str) -> int | None:
    """Return how many messages there are up to the one with that id; None when there is none."""
    return next((number for number, message in enumerate(said, 1) if str(message.id) == since), None)


def system_event(kind: str, payload: str) -> SystemEvent:
    """Return a system event; the payload is JSON text already."""
    return cast(SystemEvent, {kind: orjson.Fragment(payload)})
