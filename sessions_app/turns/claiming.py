"""Starts turns in PostgreSQL: one statement makes a turn the running one of its session."""

from dataclasses import replace
from uuid import UUID

from django.conf import settings

from apps_registry.support import database
from apps_registry.support.metrics import SESSION_LOADS
from sessions_app.sql import turns as sql_turns
from sessions_app.sql.rows import reservation_parameters, session_from_row, usage_from_row
from sessions_app.store import store, wallet_parameters
from sessions_app.turns import pauses
from sessions_app.turns.values import EarlierTurn, NewTurn, SessionBusy
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
