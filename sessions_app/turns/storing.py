"""Stores what a running turn makes, keeps its lease, and ends it. Each step is one statement."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
from django.conf import settings

from apps_registry.support import database
from sessions_app.open_calls import OpenCall, dump
from sessions_app.sql import many as sql_many
from sessions_app.sql import pauses as sql_pauses
from sessions_app.sql import turns as sql_turns
from sessions_app.sql.rows import usage_parameters
from sessions_app.store import store
from sessions_app.turns.pauses import Pause
from sessions_app.turns.values import NOTHING_RESERVED, TurnOutcome, TurnProgress
from sessions_app.values import Session, StoredMessage


async def append(
    session: Session,
    turn_id: UUID,
    messages: Sequence[StoredMessage],
    open_calls: Sequence[OpenCall] = (),
    *,
    progress: TurnProgress,
) -> Session | None:
    """Store the messages that a running turn has completed, journal its open calls, and reserve the next round.

    Args:
        session: the session that `claim`, or the last `append`, returned.
        turn_id: the turn.
        messages: the new messages.
        open_calls: the calls that the turn is about to make; they replace those journalled before.
        progress: the usage until now, and the reservation of the next round.

    Returns:
        The updated session; None if the turn no longer owns it.
    """
    parameters = {"session": session.id, "turn": turn_id, **_message_parameters(messages)}
    parameters |= {"open_calls": dump(open_calls), "model": progress.model, "tool_rounds": progress.tool_rounds}
    parameters |= usage_parameters(progress.used, progress.reservation)
    rows = await database.execute(sql_turns.APPEND_MESSAGES, parameters)
    if not rows:
        return None
    (version,) = rows[0]
    if version != session.version + 1:  # changed while the turn ran, such as its title or wallet
        return await store.reload(session.id)
    updated = session.with_messages(messages, version=version)
    store.remember(updated)
    return updated


async def finish(session: Session, turn_id: UUID, outcome: TurnOutcome) -> Session | None:
    """End or pause a turn: store its messages and release the session.

    A turn that no longer owns the session (deleted, or presumed dead) stores nothing.

    Args:
        session: the session that `claim` returned.
        turn_id: the claimed turn.
        outcome: how it ended.

    Returns:
        The updated session; None if it was deleted.
    """
    parameters = {"session": session.id, "turn": turn_id, **_outcome_parameters(outcome)}
    statement = sql_turns.FINISH_TURN if outcome.pause is None else sql_pauses.PAUSE_TURN
    rows = await database.execute(statement, parameters)
    version, undelivered_events, last_active_at = rows[0] if rows else (None, 0, None)
    if version != session.version + 1:  # deleted, or changed while the turn ran, such as its title or wallet
        return await store.reload(session.id)
    finished = session.with_messages(
        outcome.messages,
        status=outcome.session_status,
        running_turn=None if outcome.pause is None else turn_id,
        version=version,
        undelivered_events=undelivered_events,
        last_active_at=last_active_at,
    )
    store.remember(finished)
    return finished


async def renew(partial_texts: Mapping[tuple[UUID, UUID], str]) -> set[UUID]:
    """Renew the leases of running turns and store the text that they have streamed.

    Args:
        partial_texts: the text so far by (session id, turn id).

    Returns:
        The turns that still own their session; the others were deleted or presumed dead.
    """
    sessions, turns = zip(*partial_texts, strict=True)
    parameters = {"sessions": list(sessions), "turns": list(turns), "texts": list(partial_texts.values())}
    rows = await database.execute(sql_turns.RENEW_LEASES, {**parameters, "lease": settings.TURN_LEASE_SECONDS})
    return {turn_id for (turn_id,) in rows}


async def give_up(session_id: UUID, turn_id: UUID) -> None:
    """Interrupt a turn whose worker does not respond: the text that it had stored becomes the reply."""
    await database.execute(sql_turns.INTERRUPT_TURN, {"session": session_id, "turn": turn_id})


async def drop_text(session_id: UUID) -> None:
    """Delete the messages of a stateless session whose App keeps no text of such sessions."""
    await database.execute(sql_many.DROP_TEXT_OF_SESSION, {"session": session_id, "batch": 1})
    store.forget(session_id)


def _outcome_parameters(outcome: TurnOutcome) -> dict[str, object]:
    kind, payload = outcome.event or (None, None)
    return {
        "turn_status": outcome.turn_status,
        "session_status": outcome.session_status,
        "model": outcome.model,
        "finish_reason": outcome.finish_reason,
        "error_code": outcome.error_code,
        "error_detail": outcome.error_detail,
        "partial_text": outcome.partial_text,
        "tool_rounds": outcome.tool_rounds,
        "first_token_ms": outcome.first_token_ms,
        **usage_parameters(outcome.used, NOTHING_RESERVED),
        "attempts": orjson.dumps(outcome.attempts).decode() if outcome.attempts else None,
        "steps": orjson.dumps(outcome.steps).decode(),
        "event_kind": kind,
        "event_payload": payload,
        **_message_parameters(outcome.messages),
        **({} if outcome.pause is None else _pause_parameters(outcome.pause)),
    }


def _pause_parameters(pause: Pause) -> dict[str, object]:
    return {"open_calls": dump(pause.open_calls), "inline_calls": pause.inline_calls, "paused_until": pause.until}


def _message_parameters(messages: Sequence[StoredMessage]) -> dict[str, object]:
    return {"message_count": len(messages), "messages": orjson.dumps(messages).decode()}
