"""Reads the stored facts of a turn: its end, its options and its usage."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps_registry.support import database
from sessions_app.open_calls import load
from sessions_app.sql import turns as sql_turns
from sessions_app.turns.values import ShownUsage, TurnEnd


async def end_of(turn_id: UUID) -> TurnEnd | None:
    """Return how a turn has ended, or what it waits for; None if there is no such turn."""
    rows = await database.read(sql_turns.READ_END, {"turn": turn_id})
    if not rows:
        return None
    status, code, detail, reason, prompt, completion, open_calls = rows[0]
    return TurnEnd(status, code, detail, reason, prompt, completion, load(open_calls or ()))


async def used_until(turn_id: UUID, round_number: int) -> tuple[int, int]:
    """Return the prompt and completion tokens that a turn has used up to a round, with it."""
    rows = await database.read(sql_turns.READ_USED_UNTIL, {"turn": turn_id, "round": round_number})
    prompt, completion = rows[0]
    return prompt, completion


async def options_of(turn_id: UUID) -> Mapping[str, Any] | None:
    """Return what the caller of a turn asked of it (chat/turns/input/options.py), as stored; None once it has ended."""
    rows = await database.read(sql_turns.READ_OPTIONS, {"turn": turn_id})
    return rows[0][0] if rows else None


async def last_usage(session_id: UUID) -> ShownUsage | None:
    """Return what the session's last turn that has ended, or waits for its user, has used; None without one."""
    rows = await database.read(sql_turns.READ_LAST_USAGE, {"session": session_id})
    return ShownUsage(*rows[0]) if rows else None
