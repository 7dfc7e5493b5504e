"""The user's answer to whether a tool may be called, and the turn that goes on with it."""

import uuid
from typing import Any

from rest_framework.exceptions import ValidationError

from apps_registry.values import AppConfig
from chat.turns.resuming import continued
from chat.turns.runner import runner
from chat.turns.running_turn import CONFIRM_TOOL, RunningTurn
from sessions_app import pauses
from sessions_app.access import UUID_PATTERN
from sessions_app.store import store


def as_answer(data: object) -> dict[str, Any] | None:
    """Return the payload of a client's answer to a question; None when the JSON data is something else."""
    if not isinstance(data, dict) or data.get("type") != CONFIRM_TOOL:
        return None
    payload = data.get("payload")
    return payload if isinstance(payload, dict) else {}


async def take_answer(session_id: uuid.UUID, app: AppConfig, payload: dict[str, Any], *, has_key: bool) -> None:
    """Let the turn that waits for it go on.

    Args:
        session_id: the session.
        app: its App, with which the caller may chat.
        payload: `call_id` and `approved`.
        has_key: the caller has a key scoped to the App.

    Raises:
        ValidationError: the payload says neither yes nor no, or not to what.
        NothingWaits: no call of this session waits for it, or does any more.
    """
    call, is_approved = payload.get("call_id"), payload.get("approved")
    if not isinstance(call, str) or not isinstance(is_approved, bool):
        raise ValidationError("message: the payload of confirm_tool is call_id, a text, and approved, true or false.")
    if not UUID_PATTERN.fullmatch(call):
        raise pauses.NothingWaits
    resumed = await pauses.answer(session_id, call.lower(), is_approved=is_approved)
    session = await store.reload(session_id) if resumed else None
    if resumed is None or session is None:
        return
    turn = RunningTurn(
        turn_id=resumed.turn_id,
        session_id=session_id,
        session=session,
        app=app,
        model=app.model_for(session.chosen_model),
        has_key=has_key,
        **continued(session, resumed),
    )
    runner.start(turn, session)
