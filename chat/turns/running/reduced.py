"""Reduces a turn's result until Postgres accepts it.

A result that cannot be stored would block its session until the lease expires, and leave the client without an answer.
"""

from collections.abc import Iterator
from dataclasses import replace

from apps_registry.support.text.outside_text import storable, storable_json_text
from chat.providers.base import ModelFailure
from chat.turns.running import outcomes
from chat.turns.running.running_turn import RunningTurn
from sessions_app.turns.values import TurnOutcome
from sessions_app.values import StoredMessage, TurnUsage

LOST = "The model's answer could not be stored."


def reduced(turn: RunningTurn, outcome: TurnOutcome) -> Iterator[TurnOutcome]:
    """Yield smaller and smaller results: first with cleaned texts and no measurements, then only a failure."""
    yield replace(
        outcome,
        messages=[_cleaned(message) for message in outcome.messages],
        partial_text=storable(outcome.partial_text),
        error_detail=storable(outcome.error_detail),
        finish_reason="",
        attempts=(),
        steps=(),
        used=_in_bulk(turn),
        first_token_ms=None,
        event=outcome.event and (outcome.event[0], storable_json_text(outcome.event[1])),
    )
    failed = outcomes.failed(turn, ModelFailure(LOST, reason="unstorable"))
    yield TurnOutcome(
        turn_status=failed.turn_status,
        model=turn.model.name,
        used=_in_bulk(turn),
        error_code=failed.error_code,
        error_detail=failed.error_detail,
        event=failed.event,
    )


def _in_bulk(turn: RunningTurn) -> TurnUsage:
    """Return the usage of the turn as a single number of tokens and of cost, for limits."""
    used = turn.used
    tokens = (used.prompt_tokens or 0) + (used.completion_tokens or 0) + used.unreported_tokens
    return TurnUsage(unreported_tokens=tokens, unreported_cost=used.unreported_cost + (used.cost or 0))


def _cleaned(message: StoredMessage) -> StoredMessage:
    return replace(
        message,
        content=storable(message.content),
        tool_name=storable(message.tool_name),
        tool_call_id=storable(message.tool_call_id),
        tool_arguments=storable_json_text(message.tool_arguments),
    )
