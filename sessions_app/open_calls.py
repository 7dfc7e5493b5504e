"""Tool calls of a round that is not over: journalled with their turn, so that no crash lets one be forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sessions_app.questions import QuestionKind

# What stands in place of results that there are not, next to DECLINED in sessions_app/questions.py; the model decides
# what to make of it.
DECLINED_BY_MESSAGE = '{"error":"the user wrote another message instead of confirming this call; it was not made"}'
INTERRUPTED = '{"error":"the user stopped this turn before the call was confirmed; it was not made"}'
NOT_CONFIRMED_IN_TIME = '{"error":"the user did not confirm this call in time; it was not made"}'
UNKNOWN_OUTCOME = '{"error":"the call was interrupted; its outcome is unknown"}'


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call without a stored result.

    Attributes:
        place: which call of its round it is, from 0.
        arguments: JSON text, as the model wrote it.
        result: what the tool answered; None: nothing yet.
        confirmation: the id of the question that the client is asked about this call; None: it is asked none.
        kind: the question's; None without one, and in calls that an earlier release stored, which are to be confirmed.
        is_approved: the client's answer; None: there is none yet.
        extra, reasoning: of its message, see Message in sessions_app/models.py.
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


def load(stored: Sequence[Mapping[str, Any]]) -> list[OpenCall]:
    """Return the calls that the column `open_calls` of a turn holds."""
    return [
        OpenCall(**{**call, "kind": None if call.get("kind") is None else QuestionKind(call["kind"])})
        for call in stored
    ]


def dump(calls: Sequence[OpenCall]) -> str | None:
    """Return calls as the column `open_calls` of their turn holds them; None for none."""
    return orjson.dumps(calls).decode() if calls else None
