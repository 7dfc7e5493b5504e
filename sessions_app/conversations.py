"""Sessions that callers fill and describe themselves: messages without a turn, and metadata."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from apps_registry.support import database
from sessions_app.sql import conversations as sql
from sessions_app.store import store
from sessions_app.turns.values import SessionBusy
from sessions_app.values import StoredMessage


async def add_messages(session_id: UUID, messages: Sequence[StoredMessage]) -> None:
    """Store messages that a caller brings; they belong to no turn.

    Raises:
        SessionBusy: a turn runs or waits, or there is no such session; nothing was stored.
    """
    parameters = {
        "session": session_id,
        "turn": None,
        "message_count": len(messages),
        "messages": orjson.dumps(messages).decode(),
    }
    if not await database.execute(sql.ADD_MESSAGES, parameters):
        raise SessionBusy
    store.forget(session_id)


async def metadata_of(session_id: UUID) -> dict[str, str]:
    """Return the metadata that callers have stored for a session; empty if there is no session."""
    rows = await database.read(sql.READ_METADATA, {"session": session_id})
    return (rows[0][0] if rows else None) or {}


async def set_metadata(session_id: UUID, metadata: Mapping[str, str]) -> None:
    """Replace the metadata that callers have stored for a session."""
    await database.execute(sql.SET_METADATA, {"session": session_id, "metadata": orjson.dumps(metadata).decode()})
