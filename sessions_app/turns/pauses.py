"""Turns that wait for answers from their client (see sessions_app/questions.py): pause, resume, end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.conf import settings

from apps_registry.support import database
from sessions_app.open_calls import OpenCall, load
from sessions_app.questions import Answer
from sessions_app.sql import pauses as sql_pauses
from sessions_app.sql.rows import reservation_parameters, usage_from_row
from sessions_app.values import Reservation, TurnUsage


class NothingWaits(Exception):
    """The answered question is not open: it was never asked in this session, is answered already, or has expired."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What a paused turn waits for.

    Attributes:
        open_calls: the calls of its round that have no stored result, in call order.
        inline_calls: the questions to the client, as JSON payloads of system events.
        until: the deadline for answers.
    """

    open_calls: Sequence[OpenCall]
    inline_calls: Sequence[str]
    until: datetime


@dataclass(frozen=True, slots=True)
class Resumed:
    """A turn that resumes, because its client has answered the last question.

    Attributes:
        open_calls: the calls of its round that have no stored result, in call order.
    """

    turn_id: UUID
    open_calls: Sequence[OpenCall]
    tool_rounds: int
    first_token_ms: int | None
    attempts: Sequence[dict[str, str]] | None
    used: TurnUsage


async def take_answer(
    session_id: UUID, answer: Answer, *, app_key_id: int | None, reservation: Reservation, admission: str | None
) -> Resumed | None:
    """Store an answer; the answer to the last open question makes the paused turn run again.

    Args:
        session_id: the session.
        answer: the answer.
        app_key_id: the key of the caller, for which the turn counts from now on.
        reservation: what the next round of the turn may use.
        admission: as in NewTurn.

    Returns:
        The turn, if it resumes now; None when other questions are still open, or the turn already has this answer.

    Raises:
        NothingWaits: no call of this session waits for this answer.
    """
    decision = answer.to_store()
    rows = await database.execute(
        sql_pauses.ANSWER,
        {
            "session": session_id,
            "question": answer.question_id,
            "kinds": answer.kinds,
            "decision": orjson.dumps(decision).decode(),
            "lease": settings.TURN_LEASE_SECONDS,
            "app_key": app_key_id,
            "admission": admission,
            **reservation_parameters(reservation),
        },
    )
    if not rows:
        same_answer = orjson.dumps([{"confirmation": answer.question_id, **decision}]).decode()
        if not await database.read(sql_pauses.READ_SAME_ANSWER, {"session": session_id, "same": same_answer}):
            raise NothingWaits
        return None
    if rows[0][1] == "paused":
        return None
    turn_id, _, open_calls, rounds, first_token_ms, attempts, *used = rows[0]
    return Resumed(turn_id, load(open_calls), rounds, first_token_ms, attempts, usage_from_row(used))


async def end(session_id: UUID, turn_id: UUID) -> None:
    """End a paused turn and record its open calls as not made; do nothing if the turn is not paused."""
    await database.execute(sql_pauses.END_PAUSE, {"session": session_id, "turn": turn_id})


async def interrupt(session_id: UUID, turn_id: UUID) -> bool:
    """End a paused turn as interrupted and record its open calls as not made.

    Returns:
        Whether the turn was still paused.
    """
    return bool(await database.execute(sql_pauses.INTERRUPT_PAUSE, {"session": session_id, "turn": turn_id}))


async def overdue() -> list[tuple[UUID, UUID]]:
    """Return (session id, turn id) of paused turns whose deadline has passed."""
    return [(session_id, turn_id) for session_id, turn_id in await database.read(sql_pauses.READ_OVERDUE)]
