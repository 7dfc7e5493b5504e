"""System events: messages between a session and its client outside the conversation."""

import uuid
from uuid import UUID

from apps_registry.support import database
from sessions_app.sql import sessions as sql
from sessions_app.values import StoredMessage

NOTICE = "SystemNotice"
CALLBACK = "AsyncCallback"


async def add_event(session_id: UUID, *, kind: str, payload: str, content: str) -> StoredMessage | None:
    """Store an event, with a system message that the model reads in the next turn.

    Args:
        session_id: the session.
        kind: the key under which snapshots show the event.
        payload: the event's JSON text.
        content: the text of the system message.

    Returns:
        The message; None when there is no such session.
    """
    message_id = uuid.uuid4()
    parameters = {"session": session_id, "message": message_id, "kind": kind, "payload": payload, "content": content}
    rows = await database.execute(sql.ADD_SYSTEM_EVENT, parameters)
    return StoredMessage(message_id, None, "system", content, rows[0][0]) if rows else None


async def newest_events(session_id: UUID, count: int) -> list[tuple[str, str]]:
    """Return (kind, JSON payload) of the newest events, oldest first, delivered or not."""
    rows = await database.read(sql.READ_EVENTS, {"session": session_id, "count": count})
    return [(kind, payload) for kind, payload in rows]
