"""What a turn that goes on after a break brings along: after its user's answer, or when it is tried again."""

import uuid
from typing import Any

from chat.events import RoundToFinish, ToolCall, ToolResult
from chat.issuers import stored_issuer
from chat.prompt.history import stored_call
from sessions_app.open_calls import OpenCall
from sessions_app.pauses import Resumed
from sessions_app.values import Session


def continued(session: Session, resumed: Resumed) -> dict[str, Any]:
    """Return what a turn that goes on after its user's answer brings along, as attributes of a RunningTurn."""
    before = said_before(session, resumed.turn_id)
    open_calls = list(resumed.open_calls)
    number = open_calls[0].round_number
    of_round = [each for each in before["earlier"] if each.round_number == number]
    said = [
        message for message in session.messages if (message.turn_id, message.tool_round) == (resumed.turn_id, number)
    ]
    calls = [each.call for each in of_round]
    calls += [_call(each) for each in open_calls]
    extras = [extra for extra in (*(each.extra for each in said), *(each.extra for each in open_calls)) if extra]
    results = {place: each.result for place, each in enumerate(of_round)}
    results |= {each.place: each.result for each in open_calls if each.result is not None}
    text = "".join(message.content for message in said if message.role == "agent")
    return {
        "count": before["count"],
        "earlier": tuple(each for each in before["earlier"] if each.round_number != number),
        "open_calls": open_calls,
        "resumed": RoundToFinish(
            number,
            text,
            tuple(calls),
            results,
            next(filter(None, map(stored_issuer, extras)), None),
            next((extra["fields"] for extra in extras if "fields" in extra), None),
        ),
        "prompt_tokens": resumed.prompt_tokens,
        "completion_tokens": resumed.completion_tokens,
        "tool_rounds": resumed.tool_rounds,
        "first_token_ms": resumed.first_token_ms,
        "cost": resumed.cost,
        "attempts": list(resumed.attempts or ()),
    }


def said_before(session: Session, turn_id: uuid.UUID) -> dict[str, Any]:
    """Return what a turn that goes on after a break has in its session, as attributes of a RunningTurn."""
    said = [message for message in session.messages if message.turn_id == turn_id and message.role != "user"]
    answered = tuple(
        ToolResult(each.tool_round, stored_call(each), each.content, 0) for each in said if each.role == "tool"
    )
    return {"count": len(said), "earlier": answered}


def _call(call: OpenCall) -> ToolCall:
    extra = call.extra.get("call") if call.extra else None
    return ToolCall(call.call_id, call.name, call.arguments, extra)
