"""Finds responses and conversations for a caller, under the rules of sessions.

What a caller may not read does not exist for the caller, so that nobody learns which ids are in use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from apps_registry.values import AppConfig
from chat.access import NoSuchSession, SessionNotOfToken, known_session
from chat.doors.openai.errors import NoSuchObject
from chat.doors.openai.responses.ids import read_conversation_id, read_response_id
from keys.callers import Caller
from sessions_app.turns.responses import RecordedTurn, ResponseRecord, recorded_turn
from sessions_app.turns.values import SessionOfAnotherApp, SessionOfAnotherWallet
from sessions_app.values import Session, StoredMessage

NOT_THE_CALLERS = (NoSuchSession, SessionOfAnotherApp, SessionNotOfToken, SessionOfAnotherWallet)


@dataclass(frozen=True, slots=True)
class FoundResponse:
    """A response.

    Attributes:
        record: the request that it answers.
        next_record: the request that continued its turn after it, if there is one.
    """

    turn: RecordedTurn
    record: ResponseRecord
    session: Session
    app: AppConfig | None

    @property
    def next_record(self) -> ResponseRecord | None:
        """The request that continued the turn after this response, if there is one."""
        later = [record for record in self.turn.records if record.round_number > self.record.round_number]
        return later[0] if later else None

    @property
    def is_last(self) -> bool:
        """Whether this response is the last one in its session."""
        return self.next_record is None and last_turn(self.session) == self.turn.turn_id

    def messages(self) -> Sequence[StoredMessage]:
        """Return the session's messages up to this response."""
        messages: list[StoredMessage] = []
        for message in self.session.messages:
            is_own = message.turn_id == self.turn.turn_id
            if not is_own and messages and messages[-1].turn_id == self.turn.turn_id:
                break
            if not is_own or self._is_before_next(message):
                messages.append(message)
        return messages

    def _is_before_next(self, message: StoredMessage) -> bool:
        if self.next_record is None or message.role == "user":
            return True
        # The calls of the round at which the turn continued have results that are not part of this response.
        return 0 < message.tool_round < self.next_record.round_number + (message.role == "agent")


async def find_response(caller: Caller, response_id: str, *, param: str | None = None) -> FoundResponse:
    """Return a response that the caller may read.

    Args:
        caller: the caller.
        response_id: the id.
        param: the parameter that names it; None if the path does.

    Raises:
        NoSuchObject: there is no such response, or the caller may not read it.
        KeyNeeded, OriginNotAllowed, NetworkNotAllowed: as for sessions.
    """
    named = read_response_id(response_id)
    turn = await recorded_turn(named[0]) if named else None
    record = turn.record_at(named[1]) if turn and named else None
    if turn is None or record is None:
        no_response(param)
    try:
        session, app = await known_session(caller, turn.session_id)
    except NOT_THE_CALLERS as hidden:
        no_response(param, hidden)
    return FoundResponse(turn, record, session, app)


async def find_conversation(
    caller: Caller, conversation_id: str, *, param: str | None = None
) -> tuple[Session, AppConfig | None]:
    """Return a conversation that the caller may read, and its App, if it has one.

    Arguments and errors are those of `find_response`.
    """
    session_id = read_conversation_id(conversation_id)
    if session_id is None:
        no_conversation(param)
    try:
        return await known_session(caller, session_id)
    except NOT_THE_CALLERS as hidden:
        no_conversation(param, hidden)


def no_response(param: str | None = None, hidden: Exception | None = None) -> NoReturn:
    """Raise the error for a response that does not exist for the caller."""
    code = "previous_response_not_found" if param else "not_found"
    raise NoSuchObject("There is no such response.", param=param, code=code, hidden=hidden) from None


def no_conversation(param: str | None = None, hidden: Exception | None = None) -> NoReturn:
    """Raise the error for a conversation that does not exist for the caller."""
    raise NoSuchObject("There is no such conversation.", param=param, hidden=hidden) from None


def last_turn(session: Session) -> UUID | None:
    """Return the turn that is running or waiting in a session, otherwise its last turn; None if it has none."""
    return session.running_turn or next(
        (message.turn_id for message in reversed(session.messages) if message.turn_id), None
    )
