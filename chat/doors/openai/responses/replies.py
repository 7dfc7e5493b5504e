"""Reads the response to a request from its turn, whichever worker runs or ran it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chat.access import NoSuchSession
from chat.doors.openai.responses.beginning import Begun
from chat.doors.openai.responses.items import question_item, text_item
from chat.doors.openai.responses.lookup import Found
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.output.message_body import message_bodies
from chat.turns.unfinished import unfinished_messages
from sessions_app.store import store
from sessions_app.turns.responses import RecordedTurn, ResponseRecord, recorded_turn, set_questions
from sessions_app.turns.values import TurnEnd
from sessions_app.values import Session, StoredMessage

# A turn that was cut off here by the model's provider; see finish_reason of the chat completions protocol.
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# A question that nobody answered ends its turn later; the response that asked it was complete.
UNANSWERED = frozenset({"declined", "not_confirmed"})
ERROR_CODES = {"budget_exhausted": "rate_limit_exceeded"}


@dataclass(frozen=True, slots=True)
class Reply:
    """The state of a response.

    Attributes:
        status: in_progress, completed, incomplete, failed or cancelled.
        reason: why it is incomplete.
        error: code and sentence, if it failed.
        tokens: of the prompts and of the answers; None while the turn runs.
        completed_at: seconds since 1970.
    """

    status: str
    output: Sequence[Mapping[str, Any]] = ()
    reason: str = ""
    error: tuple[str, str] | None = None
    tokens: tuple[int, int] | None = None
    completed_at: int | None = None


NOTHING_YET = Reply("in_progress")


async def reply_to(begun: Begun, label: str) -> Reply:
    """Return the response to a request whose turn has ended, or waits.

    Args:
        begun: the request.
        label: the name of the App, for calls that need an approval.

    Raises:
        NoSuchSession: the session was deleted meanwhile.
    """
    running = begun.running
    if running is not None and running.session is not None and running.task is not None and running.task.done():
        end = replace(running.end, status="interrupted") if running.must_stop else running.end
        turn = RecordedTurn(begun.turn_id, begun.session_id, end, [begun.record], int(time.time()))
        session: Session | None = running.session
    else:
        read, session = await recorded_turn(begun.turn_id), await store.load(begun.session_id)
        if read is None or session is None:
            raise NoSuchSession
        turn = read if read.records else replace(read, records=[begun.record])
    if session is None:
        raise NoSuchSession
    return await _reply(Found(turn, begun.record, session, None), label, is_stored=begun.is_stored)


async def reply_of(found: Found) -> Reply:
    """Return a response that was asked for, in whatever state it is."""
    return await _reply(found, found.app.slug if found.app else "", is_stored=True)


def failure_of(reply: Reply) -> ModelFailure | None:
    """Return the failure of a turn as the exception that other calls raise for it."""
    if reply.error is None:
        return None
    code, sentence = reply.error
    return (ModelTimeout if code == ModelTimeout.code else ModelFailure)(sentence)


async def _reply(found: Found, label: str, *, is_stored: bool) -> Reply:
    end, record = found.turn.end, found.record
    is_going_on = end.status == "running" and found.next_record is None
    unfinished = await unfinished_messages(found.session) if is_going_on else []
    output = list(_texts(found, unfinished))
    questions = record.questions
    if end.status == "paused" and found.next_record is None:
        calls = [call for call in end.open_calls if call.confirmation is not None and call.result is None]
        questions = [question_item(found.session.id, call, label) for call in calls]
        if is_stored and not record.questions:
            # After the answer, the turn no longer has them.
            await set_questions(found.turn.turn_id, record.round_number, questions)
    return _state(found, [*output, *questions])


def _state(found: Found, output: Sequence[Mapping[str, Any]]) -> Reply:
    end, status = found.turn.end, _status(found)
    failed = status == "failed"
    return Reply(
        status,
        output,
        reason=INCOMPLETE.get(end.finish_reason, "") if status == "incomplete" else "",
        error=(end.error_code, end.error_detail) if failed else None,
        tokens=None if status == "in_progress" else _tokens(end, found.record, found.next_record),
        completed_at=found.turn.finished_at if status == "completed" and found.next_record is None else None,
    )


def _status(found: Found) -> str:
    end = found.turn.end
    if found.next_record is not None or end.status == "paused":
        return "completed"
    if end.status == "completed":
        return "incomplete" if end.finish_reason in INCOMPLETE else "completed"
    if end.status == "interrupted":
        if end.error_code in UNANSWERED:
            return "completed"
        return "failed" if end.error_code == "worker_lost" else "cancelled"
    return "failed" if end.status == "failed" else "in_progress"


def _tokens(end: TurnEnd, record: ResponseRecord, following: ResponseRecord | None) -> tuple[int, int]:
    """Return the tokens of this part of the turn."""
    until = following.before if following else (end.prompt_tokens or 0, end.completion_tokens or 0)
    prompt, completion = (max(0, total - before) for total, before in zip(until, record.before, strict=True))
    return prompt, completion


def _texts(found: Found, unfinished: Sequence[StoredMessage]) -> Iterator[dict[str, Any]]:
    """Yield the agent's texts in this part of the turn."""
    first = found.record.round_number + 1
    last = found.next_record.round_number if found.next_record else None
    messages = [*found.session.messages, *unfinished]
    for index, message in enumerate(messages):
        if message.turn_id != found.turn.turn_id or message.role != "agent" or not message.content:
            continue
        # The last text of a turn, whole or cut off, has no round of calls.
        is_here = message.tool_round >= first if message.tool_round else last is None
        if is_here and (last is None or message.tool_round <= last):
            (body,) = message_bodies(messages[: index + 1], index)
            is_streaming = bool(unfinished) and message is unfinished[-1]
            yield text_item(body, status="in_progress" if is_streaming else "completed")
