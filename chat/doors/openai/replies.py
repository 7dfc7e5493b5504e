"""Reads the answer of a turn, in the terms of the protocol."""

from collections.abc import Sequence

from chat.doors.openai.beginning import Begun
from chat.doors.openai.wire import BETWEEN_ROUNDS, REASONS, Reply
from chat.doors.outcomes import outcome_of
from sessions_app.open_calls import OpenCall
from sessions_app.turns.reading import used_until
from sessions_app.turns.values import TurnEnd

ASKS = "This needs your confirmation: {calls}. Answer “yes” to allow it; any other message declines it."
CANNOT_ASK = (
    "This needs a confirmation, which cannot be given here: {calls}. To confirm calls, use a client that names a "
    "session (X-Session-Id)."
)


async def reply_of(begun: Begun) -> Reply:
    """Return the answer of a turn that has ended or waits.

    Raises:
        ModelFailure: the turn failed.
        NoSuchSession: the session was deleted in the meantime.
    """
    outcome = await outcome_of(begun.turn_id, begun.session_id, begun.running, after=begun.count)
    end = outcome.end
    question = confirmation_text(begun, outcome.confirmations)
    prompt_tokens, completion_tokens = await _tokens(begun, end)
    reason = end.finish_reason if end.finish_reason in REASONS else "stop"
    return Reply(
        text=BETWEEN_ROUNDS.join(filter(None, [*outcome.texts, question])),
        question=question,
        finish_reason="tool_calls" if outcome.client_calls else reason,
        calls=outcome.client_calls,
        citations=outcome.citations,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


async def _tokens(begun: Begun, end: TurnEnd) -> tuple[int, int]:
    """Return what the turn has used for this answer, without what earlier answers have counted."""
    prompt, completion = begun.before or await used_until(begun.turn_id, begun.round_number)
    return max(0, (end.prompt_tokens or 0) - prompt), max(0, (end.completion_tokens or 0) - completion)


def confirmation_text(begun: Begun, calls: Sequence[OpenCall]) -> str:
    """Return the sentence that asks the user to confirm calls; empty if there are none."""
    named = ", ".join(f"{call.name}({call.arguments})" for call in calls)
    return (CANNOT_ASK if begun.is_stateless else ASKS).format(calls=named) if calls else ""
