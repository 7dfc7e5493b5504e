"""The requests that began or continued turns, for doors whose clients ask for a response by its id.

A turn that pauses answers one request, and the answer to its question is another request: the records of a turn say
which part of it belongs to which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from apps_registry.support import database
from sessions_app.open_calls import load
from sessions_app.sql import responses as sql
from sessions_app.turns.values import TurnEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRecord:
    """One request, and what its response needs beyond the turn itself.

    Attributes:
        round_number: the round at which the request continued the turn; 0 if it began it.
        created_at: seconds since 1970.
        request: the parameters that the response repeats.
        items: the input with which it continued the turn.
        before: the prompt and completion tokens that the turn had used before.
        questions: the output that waits for the client, once the client has received it.
        makes_session: whether the session was made for this request.
        is_removed: whether the client has deleted the response.
    """

    round_number: int
    created_at: int
    request: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]] = ()
    before: Sequence[int] = (0, 0)
    questions: Sequence[Mapping[str, Any]] = ()
    makes_session: bool = False
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """A turn with the records of its requests, in order.

    Attributes:
        finished_at: seconds since 1970; None while it runs or waits.
    """

    turn_id: UUID
    session_id: UUID
    end: TurnEnd
    records: Sequence[ResponseRecord] = field(default_factory=tuple)
    finished_at: int | None = None

    def record_at(self, round_number: int) -> ResponseRecord | None:
        """Return the record of the request at a round, if there is one."""
        kept = (record for record in self.records if not record.is_removed)
        return next((record for record in kept if record.round_number == round_number), None)


async def add_record(turn_id: UUID, record: ResponseRecord) -> None:
    """Store the record of a request; a repeated request changes nothing."""
    same = orjson.dumps([{"round_number": record.round_number}]).decode()
    await database.execute(sql.ADD_RECORD, {"turn": turn_id, "record": orjson.dumps(record).decode(), "same": same})


async def set_questions(turn_id: UUID, round_number: int, questions: Sequence[Mapping[str, Any]]) -> None:
    """Store the questions that the client of a request has received."""
    parameters = {"turn": turn_id, "round": round_number, "questions": orjson.dumps(questions).decode()}
    await database.execute(sql.SET_QUESTIONS, parameters)


async def remove_record(turn_id: UUID, round_number: int) -> None:
    """Remove the content of a request's record."""
    await database.execute(sql.REMOVE_RECORD, {"turn": turn_id, "round": round_number})


async def is_left_over(session_id: UUID) -> bool:
    """Return whether a session was made for responses, and all that it had are removed."""
    rows = await database.execute(sql.READ_IS_LEFT_OVER, {"session": session_id})
    return bool(rows[0][0])


async def is_repeated(session_id: UUID, idempotency_key: str) -> bool:
    """Return whether an earlier request with this key has begun a turn of the session."""
    parameters = {"session": session_id, "idempotency_key": idempotency_key}
    rows = await database.read(sql.READ_IS_REPEATED, parameters)
    return bool(rows[0][0])


async def recorded_turn(turn_id: UUID) -> RecordedTurn | None:
    """Return a turn with its records; None if there is no such turn."""
    rows = await database.read(sql.READ_RECORDS, {"turn": turn_id})
    if not rows:
        return None
    session_id, status, code, detail, reason, prompt, completion, open_calls, records, finished_at = rows[0]
    end = TurnEnd(status, code, detail, reason, prompt, completion, load(open_calls or ()))
    return RecordedTurn(turn_id, session_id, end, _load(records), finished_at)


async def records_of_session(session_id: UUID) -> dict[UUID, list[ResponseRecord]]:
    """Return the records of a session's turns, the oldest turn first; turns without any are missing."""
    rows = await database.read(sql.READ_RECORDS_OF_SESSION, {"session": session_id})
    return {turn_id: _load(records) for turn_id, records in rows}


def _load(records: Sequence[Mapping[str, Any]] | None) -> list[ResponseRecord]:
    return sorted((ResponseRecord(**record) for record in records or ()), key=lambda record: record.round_number)
