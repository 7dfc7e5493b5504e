"""Sessions that callers fill and describe themselves: messages without a turn, and metadata."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from apps_registry.support import database
from sessions_app.questions import OF_WALLET
from sessions_app.sql import conversations as sql
from sessions_app.store import store
from sessions_app.turns.values import SessionBusy
from sessions_app.values import PROCESSING, Session, StoredMessage


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


class RequestKept(Exception):
    """The message is a request to the user's wallet. The numbers of later requests count it, so it is kept."""


async def delete_message(session: Session, message: StoredMessage) -> bool:
    """Delete a message from the history of a session; the usage of its turn stays.

    Args:
        session: as it was read.
        message: one of its messages.

    Returns:
        False if the session has changed since then; nothing was deleted.

    Raises:
        SessionBusy: a turn runs or waits.
        RequestKept: the message cannot be deleted.
    """
    if message.tool_name in OF_WALLET:
        raise RequestKept
    if session.running_turn is not None or session.status == PROCESSING:
        raise SessionBusy
    parameters = {
        "session": session.id,
        "version": session.version,
        "message": message.id,
        "turn": message.turn_id,
        "number": session.messages.index(message),
    }
    is_deleted = bool(await database.execute(sql.DELETE_MESSAGE, parameters))
    store.forget(session.id)
    return is_deleted


async def metadata_of(session_id: UUID) -> dict[str, str]:
    """Return the metadata that callers have stored for a session; empty if there is no session."""
    rows = await database.read(sql.READ_METADATA, {"session": session_id})
    return (rows[0][0] if rows else None) or {}


async def set_metadata(session_id: UUID, metadata: Mapping[str, str]) -> None:
    """Replace the metadata that callers have stored for a session."""
    await database.execute(sql.SET_METADATA, {"session": session_id, "metadata": orjson.dumps(metadata).decode()})


async def sessions_of_messages(message_ids: Sequence[UUID]) -> set[UUID]:
    """Return the sessions that contain these messages; callers must check who may read them."""
    if not message_ids:
        return set()
    rows = await database.read(sql.READ_SESSIONS_OF_MESSAGES, {"messages": list(message_ids)})
    return {session_id for (session_id,) in rows}
