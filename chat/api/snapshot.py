"""Snapshots: the state of a session in the form that clients see."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import orjson

from chat.api.rendered import rendered
from chat.turns.output.message_body import iso, message_bodies
from chat.wire.sessions import SessionDetails, Snapshot, SystemEvent, TurnUsage
from chat.wire.values import Status
from sessions_app.turns.values import ShownUsage
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
    """Return the snapshot of a session.

    Args:
        session: the session, with its messages.
        app: the slug of its App; None while it has none.
        unfinished: the messages of a running turn that are not stored yet, in order.
        events: (kind, JSON payload) of the system events to deliver.
        since: the id of the last message that the client has; only later ones are shown. An unknown or empty id omits
            no messages.
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


def state_with_requests(user_state: str | None, requests: Mapping[str, Any]) -> Any:
    """Return a `user_state` as clients see it, with what waits for the user's wallet.

    Args:
        user_state: as the client sent it.
        requests: by name and number; empty if nothing waits.
    """
    if not requests:
        return None if user_state is None else orjson.Fragment(user_state)
    own = orjson.dumps(requests).decode()
    others = (user_state or "{}").strip().removeprefix("{").removesuffix("}").strip()
    return orjson.Fragment(f"{{{others},{own[1:]}" if others else own)


def usage_body(used: ShownUsage | None) -> TurnUsage | None:
    """Return a turn's usage as clients see it; the cost is null rather than too low."""
    if used is None:
        return None
    cost = None if used.cost is None or used.lacks_money else f"{used.cost.normalize():f}"
    return {
        "model": used.model,
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "cost": cost,
    }


def title(session: Session) -> str:
    """Return the session's title, or a placeholder if it has none."""
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
    """Yield the JSON of the messages to show, the streaming message last."""
    messages = [*session.messages, *unfinished] if unfinished else session.messages
    start = _start_after(messages, since) if since else None
    if start is None:
        yield rendered.of(session)
        start = len(session.messages)
    yield from map(orjson.dumps, message_bodies(messages, start, streaming=unfinished[-1] if unfinished else None))


def _start_after(messages: Sequence[StoredMessage], since: str) -> int | None:
    """Return the index after the message with this id, or None if there is no such message."""
    return next((index + 1 for index, message in enumerate(messages) if str(message.id) == since), None)


def system_event(kind: str, payload: str) -> SystemEvent:
    """Return a system event as clients see it.

    Args:
        kind: the event's kind.
        payload: JSON text.
    """
    return cast(SystemEvent, {kind: orjson.Fragment(payload)})
