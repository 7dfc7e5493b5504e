"""The life of a turn in Postgres: claim, renew, finish. Each step is one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from apps_registry.support import database
from apps_registry.support.metrics import SESSION_LOADS
from sessions_app import pauses
from sessions_app.open_calls import OpenCall, dump, load
from sessions_app.pauses import Pause
from sessions_app.sql import many as sql_many
from sessions_app.sql import pauses as sql_pauses
from sessions_app.sql import turns as sql_turns
from sessions_app.sql.rows import reservation_parameters, session_from_row, usage_from_row, usage_parameters
from sessions_app.store import store, wallet_parameters
from sessions_app.turn_values import (
    NOTHING_RESERVED,
    EarlierTurn,
    NewTurn,
    SessionBusy,
    ShownUsage,
    SoFar,
    TurnEnd,
    TurnOutcome,
)
from sessions_app.values import PROCESSING, Session, StoredMessage, TurnUsage, first_words

# How often a claim retries with a fresh copy: it is rare that two other turns run in between.
CLAIM_ATTEMPTS = 3


async def claim(turn: NewTurn, session: Session | None) -> Session:
    """Start a turn: store the user's message and make this turn the session's running turn.

    Args:
        turn: the turn to start.
        session: the caller's copy, which may be stale; None if the caller found no such session.

    Returns:
        The session with the user's message, processing.

    Raises:
        SessionBusy: another turn runs.
        SessionOfAnotherApp, SessionOfAnotherChannel, SessionOfAnotherWallet: the session is not the caller's to
            continue.
    """
    for _ in range(CLAIM_ATTEMPTS):
        if session is None:
            claimed = await _claim_new(turn)
        else:
            turn.check_session(session)
            if session.running_turn is not None and session.status != PROCESSING:
                session = await _end_pause(session.id, session.running_turn)
                if session is None:
                    continue
            claimed = None if session.status == PROCESSING else await _claim_known(turn, session)
        if claimed is not None:
            store.remember(claimed)
            return claimed
        # The copy was stale, or the session is busy: read Postgres to find out which.
        session = await store.reload(turn.session_id)
        if session is not None:
            turn.check_session(session)
            if session.status == PROCESSING:
                raise SessionBusy
    raise SessionBusy


async def by_idempotency_key(turn: NewTurn) -> EarlierTurn | None:
    """Return the session's turn with the same idempotency key, if any."""
    if turn.idempotency_key is None:
        return None
    parameters = {"session": turn.session_id, "idempotency_key": turn.idempotency_key, "content": turn.content}
    rows = await database.read(sql_turns.READ_TURN_BY_KEY, parameters)
    return EarlierTurn(*rows[0]) if rows else None


async def claim_again(turn: NewTurn, earlier_id: UUID) -> tuple[Session, TurnUsage] | None:
    """Restart a failed turn in its old position.

    Args:
        turn: the call that retries it.
        earlier_id: the failed turn.

    Returns:
        The session, and what the turn has used so far; None if a turn is running or a later turn has started.
    """
    rows = await database.execute(
        sql_turns.RECLAIM_SESSION,
        {
            "session": turn.session_id,
            "turn": earlier_id,
            "app_key": turn.app_key_id,
            "channel": turn.channel,
            "lease": settings.TURN_LEASE_SECONDS,
            "admission": turn.admission,
            "options": turn.options,
            **reservation_parameters(turn.reservation),
        },
    )
    session = await store.reload(turn.session_id) if rows else None
    return (session, usage_from_row(rows[0])) if session else None


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


async def end_of(turn_id: UUID) -> TurnEnd | None:
    """Return how a turn has ended, or what it waits for; None if there is no such turn."""
    rows = await database.read(sql_turns.READ_END, {"turn": turn_id})
    if not rows:
        return None
    status, code, detail, reason, prompt, completion, open_calls = rows[0]
    return TurnEnd(status, code, detail, reason, prompt, completion, load(open_calls or ()))


async def options_of(turn_id: UUID) -> Mapping[str, Any] | None:
    """Return what the caller of a turn asked of it (chat/turns/input/options.py), as stored; None once it has ended."""
    rows = await database.read(sql_turns.READ_OPTIONS, {"turn": turn_id})
    return rows[0][0] if rows else None


async def drop_text(session_id: UUID) -> None:
    """Delete the messages of a stateless session whose App keeps no text of such sessions."""
    await database.execute(sql_many.DROP_TEXT_OF_SESSION, {"session": session_id, "batch": 1})
    store.forget(session_id)


async def append(
    session: Session,
    turn_id: UUID,
    messages: Sequence[StoredMessage],
    open_calls: Sequence[OpenCall] = (),
    *,
    so_far: SoFar,
) -> Session | None:
    """Store the messages that a running turn has completed, journal its open calls, and reserve the next round.

    Args:
        session: the session that `claim`, or the last `append`, returned.
        turn_id: the turn.
        messages: the new messages.
        open_calls: the calls that the turn is about to make; they replace those journalled before.
        so_far: the usage until now, and the reservation of the next round.

    Returns:
        The updated session; None if the turn no longer owns it.
    """
    parameters = {"session": session.id, "turn": turn_id, **_message_parameters(messages)}
    parameters |= {"open_calls": dump(open_calls), "model": so_far.model, "tool_rounds": so_far.tool_rounds}
    parameters |= usage_parameters(so_far.used, so_far.reservation)
    rows = await database.execute(sql_turns.APPEND_MESSAGES, parameters)
    if not rows:
        return None
    (version,) = rows[0]
    if version != session.version + 1:  # changed while the turn ran, such as its title or wallet
        return await store.reload(session.id)
    updated = session.with_messages(messages, version=version)
    store.remember(updated)
    return updated


async def last_usage(session_id: UUID) -> ShownUsage | None:
    """Return what the session's last turn that has ended, or waits for its user, has used; None without one."""
    rows = await database.read(sql_turns.READ_LAST_USAGE, {"session": session_id})
    return ShownUsage(*rows[0]) if rows else None


async def give_up(session_id: UUID, turn_id: UUID) -> None:
    """Interrupt a turn whose worker does not respond: the text that it had stored becomes the reply."""
    await database.execute(sql_turns.INTERRUPT_TURN, {"session": session_id, "turn": turn_id})


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


async def _end_pause(session_id: UUID, turn_id: UUID) -> Session | None:
    """End a paused turn, because a new message counts as declining its questions; return the updated session."""
    await pauses.end(session_id, turn_id)
    return await store.reload(session_id)


async def _claim_new(turn: NewTurn) -> Session | None:
    rows = await database.execute(sql_turns.CLAIM_NEW_SESSION, _claim_parameters(turn))
    if not rows:
        return None
    SESSION_LOADS.labels("created").inc()
    claimed = session_from_row(rows[0])
    return claimed.with_messages([_users_message(turn, claimed)])


async def _claim_known(turn: NewTurn, session: Session) -> Session | None:
    parameters = {**_claim_parameters(turn), "version": session.version}
    rows = await database.execute(sql_turns.CLAIM_SESSION, parameters)
    if not rows:
        return None
    claimed = session_from_row(rows[0])
    with_history = replace(claimed, messages=session.messages, size=session.size)
    return with_history.with_messages([_users_message(turn, claimed)])


def _claim_parameters(turn: NewTurn) -> dict[str, object]:
    return {
        "session": turn.session_id,
        "turn": turn.turn_id,
        "message": turn.message_id,
        "app": turn.app_id,
        "app_key": turn.app_key_id,
        "content": turn.content,
        "idempotency_key": turn.idempotency_key,
        "title": first_words(turn.content),
        "user_state": turn.user_state,
        "lease": settings.TURN_LEASE_SECONDS,
        "release": turn.release_id,
        "keeps_release": turn.keeps_release,
        "admission": turn.admission,
        **reservation_parameters(turn.reservation),
        "channel": turn.channel,
        "options": turn.options,
        "is_stateless": turn.is_stateless,
        **wallet_parameters(turn.wallet),
    }


def _users_message(turn: NewTurn, claimed: Session) -> StoredMessage:
    return StoredMessage(turn.message_id, turn.turn_id, "user", turn.content, claimed.last_active_at)


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
