"""What a turn has done before it continues: when it resumes after the client's answers, or is retried."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chat.events import RoundToFinish, ToolCall, ToolResult
from chat.issuers import stored_issuer
from chat.prompt.history import stored_call
from sessions_app.open_calls import OpenCall
from sessions_app.turns.pauses import Resumed
from sessions_app.turns.values import NOTHING_RESERVED, NOTHING_USED
from sessions_app.values import Reservation, Session, TurnUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a turn has done and used before it continues; the defaults are those of a new turn.

    Attributes: see RunningTurn.
    """

    count: int = 0
    earlier: tuple[ToolResult, ...] = ()
    open_calls: Sequence[OpenCall] = ()
    resumed: RoundToFinish | None = None
    used: TurnUsage = NOTHING_USED
    prompt_bound: int = 0
    reservation: Reservation = NOTHING_RESERVED
    tool_rounds: int = 0
    first_token_ms: int | None = None
    attempts: Sequence[dict[str, str]] = ()


BEGINNING = Progress()


def before_retry(session: Session, turn_id: UUID, used: TurnUsage = NOTHING_USED) -> Progress:
    """Return the progress of a failed turn that is retried; what it has used counts."""
    messages = [message for message in session.messages if message.turn_id == turn_id and message.role != "user"]
    results = tuple(
        ToolResult(message.tool_round, stored_call(message), message.content, 0)
        for message in messages
        if message.role == "tool"
    )
    return Progress(count=len(messages), earlier=results, used=used)


def before_resuming(session: Session, resumed: Resumed) -> Progress:
    """Return the progress of a turn when it paused."""
    stored = before_retry(session, resumed.turn_id)
    number = resumed.open_calls[0].round_number
    return Progress(
        count=stored.count,
        earlier=tuple(result for result in stored.earlier if result.round_number != number),
        open_calls=resumed.open_calls,
        resumed=_round(session, resumed, [result for result in stored.earlier if result.round_number == number]),
        used=resumed.used,
        tool_rounds=resumed.tool_rounds,
        first_token_ms=resumed.first_token_ms,
        attempts=resumed.attempts or (),
    )


def _round(session: Session, resumed: Resumed, stored_results: Sequence[ToolResult]) -> RoundToFinish:
    """Return the round at which a turn paused; `stored_results` are the results that are messages already."""
    open_calls = resumed.open_calls
    number = open_calls[0].round_number
    messages = [
        message for message in session.messages if (message.turn_id, message.tool_round) == (resumed.turn_id, number)
    ]
    all_extras = (*(message.extra for message in messages), *(call.extra for call in open_calls))
    extras = [extra for extra in all_extras if extra]
    results = {index: result.result for index, result in enumerate(stored_results)}
    results |= {call.place: call.result for call in open_calls if call.result is not None}
    return RoundToFinish(
        number,
        "".join(message.content for message in messages if message.role == "agent"),
        (*(result.call for result in stored_results), *map(_call, open_calls)),
        results,
        next(filter(None, map(stored_issuer, extras)), None),
        next((extra["fields"] for extra in extras if "fields" in extra), None),
    )


def _call(call: OpenCall) -> ToolCall:
    extra = call.extra.get("call") if call.extra else None
    return ToolCall(call.call_id, call.name, call.arguments, extra)
