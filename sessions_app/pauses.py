"""Turns that wait for their user to confirm a tool call: paused, answered, given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from apps_registry.support import database
from sessions_app.open_calls import DECLINED, OpenCall
from sessions_app.sql import pauses as sql_pauses


class NothingWaits(Exception):
    """An answer came to a question that is not open: never asked in this session, answered, or over."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What a turn waits for.

    Attributes:
        open_calls: the calls of its round that have no stored result, in call order.
        inline_calls: the questions to the user, as JSON payloads of system events.
        until: when it is too late to answer.
    """

    open_calls: Sequence[OpenCall]
    inline_calls: Sequence[str]
    until: datetime


@dataclass(frozen=True, slots=True)
class Resumed:
    """A turn that its user's last answer has set going again.

    Attributes:
        open_calls: those of its round that have no stored result, in call order.
    """

    turn_id: UUID
    open_calls: Sequence[OpenCall]
    prompt_tokens: int | None
    completion_tokens: int | None
    tool_rounds: int
    first_token_ms: int | None
    cost: Decimal | None
    attempts: Sequence[dict[str, str]] | None


async def answer(session_id: UUID, call: str, *, is_approved: bool) -> Resumed | None:
    """Note whether a call may be made; the last answer that a turn waits for makes it the session's running one.

    Args:
        session_id: the session.
        call: the id under which the user was asked.
        is_approved: what the user says.

    Returns:
        The turn, if it goes on now; None when other calls wait as well, or the turn has had this answer.

    Raises:
        NothingWaits: no call of this session waits for it.
    """
    decision: dict[str, Any] = {"is_approved": is_approved, **({} if is_approved else {"result": DECLINED})}
    rows = await database.execute(
        sql_pauses.ANSWER,
        {
            "session": session_id,
            "call": call,
            "decision": orjson.dumps(decision).decode(),
            "asked": orjson.dumps([{"confirmation": call, "is_approved": None}]).decode(),
            "lease": settings.TURN_LEASE_SECONDS,
        },
    )
    if not rows:
        same = orjson.dumps([{"confirmation": call, "is_approved": is_approved}]).decode()
        if not await database.read(sql_pauses.READ_SAME_ANSWER, {"session": session_id, "same": same}):
            raise NothingWaits
        return None
    if rows[0][1] == "paused":
        return None
    turn_id, _, open_calls, *counts = rows[0]
    return Resumed(turn_id, [OpenCall(**each) for each in open_calls], *counts)


async def end(session_id: UUID, turn_id: UUID) -> None:
    """End a turn that waits for a confirmation, its calls recorded as not made; another one stays as it is."""
    await database.execute(sql_pauses.END_PAUSE, {"session": session_id, "turn": turn_id})


async def interrupt(session_id: UUID, turn_id: UUID) -> bool:
    """End a turn that waits for a confirmation as interrupted, its calls recorded as not made.

    Returns:
        Whether it still waited.
    """
    return bool(await database.execute(sql_pauses.INTERRUPT_PAUSE, {"session": session_id, "turn": turn_id}))


async def overdue() -> list[tuple[UUID, UUID]]:
    """Return (session id, turn id) of the turns whose users have not answered in time."""
    return [(session_id, turn_id) for session_id, turn_id in await database.read(sql_pauses.READ_OVERDUE)]
