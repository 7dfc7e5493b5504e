"""Tool calls of an unfinished round, journalled with their turn so that a crash does not lose one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sessions_app.questions import QuestionKind

# The results of calls that were not made or not finished; see also DECLINED in sessions_app/questions.py. The model
# reads them like any other result.
DECLINED_BY_MESSAGE = '{"error":"the user wrote another message instead of confirming this call; it was not made"}'
INTERRUPTED = '{"error":"the user stopped this turn before the call was confirmed; it was not made"}'
NOT_CONFIRMED_IN_TIME = '{"error":"the user did not confirm this call in time; it was not made"}'
# A tool at the client may have run although nobody heard of it.
NO_ANSWER = '{"error":"the program of the user did not answer before the user went on; what it did is unknown"}'
NO_ANSWER_IN_TIME = '{"error":"the program of the user did not answer in time; what it did is unknown"}'
UNKNOWN_OUTCOME = '{"error":"the call was interrupted; its outcome is unknown"}'


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call without a stored result.

    Attributes:
        place: the call's index in its round, from 0.
        arguments: JSON text, as the model wrote it.
        result: the tool's result; None until there is one.
        confirmation: the id of the question about this call; None if there is no question.
        kind: the question's kind; None without a question. Calls that an earlier version stored have none: their
            questions are confirmations.
        is_approved: the client's answer; None until there is one.
        request: what the user's wallet is asked, with the number of the request; None for other calls.
        extra, reasoning: those of the call's message; see Message in sessions_app/models.py.
    """

    round_number: int
    place: int
    call_id: str
    name: str
    arguments: str
    result: str | None = None
    confirmation: str | None = None
    kind: QuestionKind | None = None
    is_approved: bool | None = None
    extra: Mapping[str, Any] | None = None
    reasoning: str = ""
    request: Mapping[str, Any] | None = None


def load(stored: Sequence[Mapping[str, Any]]) -> list[OpenCall]:
    """Parse the column `open_calls` of a turn."""
    return [
        OpenCall(**{**call, "kind": None if call.get("kind") is None else QuestionKind(call["kind"])})
        for call in stored
    ]


def dump(calls: Sequence[OpenCall]) -> str | None:
    """Serialise calls for the column `open_calls` of their turn; None if there are none."""
    return orjson.dumps(calls).decode() if calls else None
