"""How a running turn ends: the outcomes that are stored."""

from dataclasses import replace
from datetime import timedelta

import orjson
from django.conf import settings

from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.pausing.asking import pause
from chat.turns.running.running_turn import RunningTurn
from sessions_app.turns.values import TurnOutcome
from sessions_app.values import INTERRUPTED


def completed(turn: RunningTurn) -> TurnOutcome:
    """Return the outcome after the engine has finished: a completed turn, or one that pauses for questions."""
    if not turn.must_ask:
        return _outcome(turn, "completed")
    deadline = turn.now() + timedelta(seconds=settings.CONFIRMATION_SECONDS)
    return replace(_outcome(turn, "paused"), pause=pause(turn.open_calls, deadline))


def interrupted(turn: RunningTurn) -> TurnOutcome:
    """Return the outcome of an interrupted turn; the text so far becomes the reply."""
    turn.count_uncounted_round()
    turn.close_calls()
    if text := turn.partial_text:
        turn.add_message("agent", text)
    return replace(_outcome(turn, "interrupted"), session_status=INTERRUPTED)


def failed(turn: RunningTurn, failure: ModelFailure) -> TurnOutcome:
    """Return the outcome of a failed turn, with the text so far for the operator."""
    if turn.has_answered or isinstance(failure, ModelTimeout):  # providers charge nothing for a refusal
        turn.count_uncounted_round()
    turn.close_calls()
    turn.failure = failure
    event = ("SystemError", orjson.dumps(str(failure)).decode())
    return replace(
        _outcome(turn, "failed"),
        error_code=failure.code,
        error_detail=str(failure),
        partial_text=turn.partial_text,
        event=event,
    )


def _outcome(turn: RunningTurn, status: str) -> TurnOutcome:
    return TurnOutcome(
        turn_status=status,
        model=turn.model.name,
        messages=tuple(turn.messages),
        finish_reason=turn.finish_reason[:40],
        used=turn.used,
        attempts=tuple(turn.attempts),
        tool_rounds=turn.tool_rounds,
        first_token_ms=turn.first_token_ms,
        steps=turn.steps.until_now(
            turn.model.name, is_paused=status == "paused", is_cut=status in {"failed", "interrupted"}
        ),
    )
