"""What a turn that goes on after a break has behind it: when its client has answered, or when it is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from chat.events import RoundToFinish, ToolCall, ToolResult
from chat.issuers import stored_issuer
from chat.prompt.history import stored_call
from sessions_app.open_calls import OpenCall
from sessions_app.pauses import Resumed
from sessions_app.values import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a turn has said and used before it goes on; the defaults are those of one that begins.

    Attributes: as those of RunningTurn.
    """

    count: int = 0
    earlier: tuple[ToolResult, ...] = ()
    open_calls: Sequence[OpenCall] = ()
    resumed: RoundToFinish | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tool_rounds: int = 0
    first_token_ms: int | None = None
    cost: Decimal | None = None
    attempts: Sequence[dict[str, str]] = ()


BEGINNING = Progress()


def before_retry(session: Session, turn_id: UUID) -> Progress:
    """Return what a failed turn that is tried again has in its session; it is counted from the beginning."""
    said = [message for message in session.messages if message.turn_id == turn_id and message.role != "user"]
    answered = tuple(
        ToolResult(each.tool_round, stored_call(each), each.content, 0) for each in said if each.role == "tool"
    )
    return Progress(count=len(said), earlier=answered)


def before_resuming(session: Session, resumed: Resumed) -> Progress:
    """Return what a turn whose client has answered had done when it paused."""
    said = before_retry(session, resumed.turn_id)
    number = resumed.open_calls[0].round_number
    return Progress(
        count=said.count,
        earlier=tuple(each for each in said.earlier if each.round_number != number),
        open_calls=resumed.open_calls,
        resumed=_round(session, resumed, [each for each in said.earlier if each.round_number == number]),
        prompt_tokens=resumed.prompt_tokens,
        completion_tokens=resumed.completion_tokens,
        tool_rounds=resumed.tool_rounds,
        first_token_ms=resumed.first_token_ms,
        cost=resumed.cost,
        attempts=resumed.attempts or (),
    )


def _round(session: Session, resumed: Resumed, answered: Sequence[ToolResult]) -> RoundToFinish:
    """Return the round at which a turn paused; `answered` are its calls whose results are stored already."""
    open_calls = resumed.open_calls
    number = open_calls[0].round_number
    said = [
        message for message in session.messages if (message.turn_id, message.tool_round) == (resumed.turn_id, number)
    ]
    extras = [extra for extra in (*(each.extra for each in said), *(each.extra for each in open_calls)) if extra]
    results = {place: each.result for place, each in enumerate(answered)}
    results |= {each.place: each.result for each in open_calls if each.result is not None}
    return RoundToFinish(
        number,
        "".join(message.content for message in said if message.role == "agent"),
        (*(each.call for each in answered), *map(_call, open_calls)),
        results,
        next(filter(None, map(stored_issuer, extras)), None),
        next((extra["fields"] for extra in extras if "fields" in extra), None),
    )


def _call(call: OpenCall) -> ToolCall:
    extra = call.extra.get("call") if call.extra else None
    return ToolCall(call.call_id, call.name, call.arguments, extra)
