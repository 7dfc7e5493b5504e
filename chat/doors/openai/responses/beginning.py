"""Starts the turn that a request for a response asks for, or continues a turn that waits."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from apps_registry.values import AppConfig
from chat.access import known_session
from chat.doors.openai.conversation import Conversation
from chat.doors.openai.errors import InvalidParameter, NoSuchObject
from chat.doors.openai.named_sessions import SESSION_HEADER, check_header, session_of_header
from chat.doors.openai.new_sessions import new_session_id, read_idempotency_key
from chat.doors.openai.responses.ids import response_id
from chat.doors.openai.responses.input_items import Input, answered_questions, read_input, to_store
from chat.doors.openai.responses.lookup import NOT_THE_CALLERS, find_conversation, find_response, last_turn
from chat.doors.openai.responses.pieces import keep_pieces
from chat.doors.openai.responses.references import in_full
from chat.doors.openai.responses.requests import NEEDS_STORED, ResponseRequest
from chat.turns.creating import create_session
from chat.turns.deleting import delete_session
from chat.turns.input.options import TurnOptions
from chat.turns.resuming import resume_turn
from chat.turns.running.runner import runner
from chat.turns.running.running_turn import RunningTurn
from chat.turns.start import start_turn
from keys.callers import Caller
from keys.guards.storage import count_stored
from sessions_app.conversations import add_messages
from sessions_app.questions import Answer
from sessions_app.turns.pauses import NothingWaits
from sessions_app.turns.responses import RecordedTurn, ResponseRecord, add_record, is_repeated, recorded_turn
from sessions_app.turns.values import SessionBusy
from sessions_app.values import StoredMessage

ONLY_NEW = "with previous_response_id or conversation, send only new messages of the user, or answers"

HAS_GONE_ON = "its session has gone on since previous_response_id; leave the header out to continue in another session"


@dataclass(frozen=True, slots=True)
class Begun:
    """The turn that answers a request.

    Attributes:
        running: the turn, if it runs on this worker.
        record: the request.
        is_stored: whether clients can retrieve the response later.
    """

    turn_id: UUID
    session_id: UUID
    running: RunningTurn | None
    record: ResponseRecord
    is_stored: bool

    @property
    def id(self) -> str:
        """The id of the response."""
        return response_id(self.turn_id, self.record.round_number)


@dataclass(frozen=True, slots=True)
class _Destination:
    """The session that gets a message.

    Attributes:
        param: the parameter that names the session; empty if none does.
        brings: messages with which a new session begins.
        history: messages for this turn only.
        is_new: whether the session is created for this request.
    """

    session_id: UUID
    message: str
    param: str = ""
    brings: Sequence[StoredMessage] = ()
    history: Sequence[StoredMessage] = ()
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Beginning:
    """A request whose App is known.

    Attributes:
        model: the name of one of the App's models; empty for the session's.
    """

    caller: Caller
    headers: Mapping[str, str]
    params: ResponseRequest
    app: AppConfig
    model: str
    created_at: int = field(default_factory=lambda: int(time.time()))

    async def begin(self) -> Begun:
        """Start or resume the turn.

        Raises:
            InvalidParameter: a parameter cannot be used; otherwise the errors of `start_turn` and `resume_turn`.
            NoSuchObject: there is no such response, conversation or item.
        """
        self.params.check()
        if not self.params.is_stored and session_of_header(self.headers):
            raise InvalidParameter(SESSION_HEADER, NEEDS_STORED)
        request_input = read_input(await in_full(self.caller, self.params))
        is_continued = bool(request_input.answers)
        begun = await (self._continue(request_input) if is_continued else self._begin(request_input.conversation))
        if begun.is_stored:
            await add_record(begun.turn_id, begun.record)
        if begun.running is not None and begun.record.keeps_pieces:
            keep_pieces(begun.running, begun.record.round_number).record_is_stored()
        return begun

    async def _begin(self, conversation: Conversation) -> Begun:
        options = self._options(conversation)
        destination = await self._destination(conversation)
        is_created = bool(destination.brings) and await self._create(destination)
        try:
            started = await start_turn(
                self.caller,
                destination.session_id,
                self.app.slug,
                destination.message,
                idempotency_key=read_idempotency_key(self.headers),
                options=replace(options, history=destination.history),
            )
        except Exception as error:
            if is_created:
                await delete_session(destination.session_id)
            if destination.param and isinstance(error, NOT_THE_CALLERS):
                sentence = "There is no such conversation with this model."
                raise NoSuchObject(sentence, param=destination.param, hidden=error) from None
            raise
        record = self._record(makes=destination.is_new)
        if started.running is not None and record.keeps_pieces:
            keep_pieces(started.running, record.round_number)
        if started.running is None and (earlier := await recorded_turn(started.turn_id)):  # a repeated request
            record = earlier.record_at(record.round_number) or record
        return Begun(started.turn_id, destination.session_id, started.running, record, self.params.is_stored)

    async def _destination(self, conversation: Conversation) -> _Destination:
        message = conversation.message or ""
        if named := self.params.previous_response_id:
            return await self._after(named, _new_text(conversation))
        if named := self.params.conversation:
            session, _ = await find_conversation(self.caller, named, param="conversation")
            check_header(self.headers, session.id, "conversation")
            return _Destination(session.id, _new_text(conversation), "conversation")
        if in_header := session_of_header(self.headers):
            return _Destination(in_header, message)
        session_id = new_session_id(self.app, self.caller, self._key_of_session())
        if self.params.is_stored:
            return _Destination(session_id, message, brings=to_store(conversation.history), is_new=True)
        return _Destination(session_id, message, history=conversation.history)

    async def _after(self, previous: str, message: str) -> _Destination:
        """Return the destination after a response: its session, or a new one if that session has continued since."""
        response = await find_response(self.caller, previous, param="previous_response_id")
        check_header(self.headers, response.session.id, "previous_response_id")
        key = read_idempotency_key(self.headers)
        continues = response.is_last or (key is not None and await is_repeated(response.session.id, key))
        if continues and self.params.is_stored:
            return _Destination(response.session.id, message, "previous_response_id")
        if response.turn.end.status == "running":
            raise SessionBusy
        if session_of_header(self.headers):
            raise InvalidParameter(SESSION_HEADER, HAS_GONE_ON)
        session_id = new_session_id(self.app, self.caller, self._key_of_session())
        if self.params.is_stored:
            return _Destination(session_id, message, brings=to_store(response.messages()), is_new=True)
        return _Destination(session_id, message, history=response.messages())

    def _key_of_session(self) -> str | None:
        """Return the Idempotency-Key by which a repeated call finds its session; None if no reply would be stored."""
        keeps_text = self.params.is_stored or self.app.caller_rules.keeps_stateless_text
        return read_idempotency_key(self.headers) if keeps_text else None

    async def _create(self, destination: _Destination) -> bool:
        """Create the session with its first messages; return False if it already exists."""
        await count_stored(self.caller, len(orjson.dumps(destination.brings)))
        if await create_session(self.caller, destination.session_id, app_id=self.app.id, counts=False) is None:
            return False
        await add_messages(destination.session_id, destination.brings)
        return True

    async def _continue(self, request_input: Input) -> Begun:
        """Give a turn all the answers that it waits for."""
        sessions = {session_id for session_id, _ in request_input.answers}
        await self._check_named(sessions)
        (session_id,) = sessions
        answers = [answer for _, answer in request_input.answers]
        try:
            session, _ = await known_session(self.caller, session_id)
        except NOT_THE_CALLERS:
            raise NothingWaits from None
        turn_id = last_turn(session)
        turn = await recorded_turn(turn_id) if turn_id else None
        if turn is None or turn.end.status != "paused":
            return _repeated(turn, answers)
        _check_complete(turn, answers)
        running = None
        for answer in answers:
            running = await resume_turn(self.caller, session_id, answer) or running
        if running is None:  # another request with the same answers was first
            return _repeated(await recorded_turn(turn.turn_id), answers)
        used = (running.used.prompt_tokens or 0, running.used.completion_tokens or 0)
        number = running.resumed.round_number if running.resumed else 0
        record = self._record(number, request_input.items, used)
        if record.keeps_pieces:
            keep_pieces(running, number)
        return Begun(
            turn.turn_id, session_id, running, record, self.params.is_stored and not running.options.is_stateless
        )

    async def _check_named(self, sessions: set[UUID]) -> None:
        """Check that the answers are for one session, and for the session that the request names, if it does."""
        named = set()
        if self.params.previous_response_id:
            response = await find_response(self.caller, self.params.previous_response_id, param="previous_response_id")
            named.add(response.session.id)
        if self.params.conversation:
            session, _ = await find_conversation(self.caller, self.params.conversation, param="conversation")
            named.add(session.id)
        if len(sessions | named) != 1:
            raise InvalidParameter("input", "its answers are for calls of another conversation")
        (session_id,) = sessions
        check_header(self.headers, session_id, "the calls that input answers")

    def _record(
        self,
        number: int = 0,
        items: Sequence[Mapping[str, Any]] = (),
        used: tuple[int, int] = (0, 0),
        *,
        makes: bool = False,
    ) -> ResponseRecord:
        request = self.params.repeated()
        if self.params.conversation:
            request["conversation"] = self.params.conversation
        return ResponseRecord(
            round_number=number,
            created_at=self.created_at,
            request=request,
            items=items,
            before=used,
            makes_session=makes,
            # The client may lose its stream, or open one later.
            keeps_pieces=self.params.is_stored and bool(self.params.stream or self.params.background),
        )

    def _options(self, conversation: Conversation) -> TurnOptions:
        instructions = filter(None, (self.params.instructions, conversation.instructions))
        return TurnOptions(
            model=self.model,
            instructions="\n\n".join(instructions) if self.app.caller_rules.may_instruct else "",
            sampling=self.params.sampling(self.app),
            tools=self.params.client_tools(),
            is_stateless=not self.params.is_stored,
        )


def _new_text(conversation: Conversation) -> str:
    """Return the text of the messages that a request adds to a conversation."""
    if any(message.role != "user" for message in conversation.history):
        raise InvalidParameter("input", ONLY_NEW)
    return "\n\n".join([*(message.content for message in conversation.history), conversation.message or ""])


def _check_complete(turn: RecordedTurn, answers: Sequence[Answer]) -> None:
    """Check that every call that a turn waits for has an answer.

    Raises:
        NothingWaits: an answer is for another call.
        InvalidParameter: a call has no answer.
    """
    answered = {answer.question_id for answer in answers}
    if not answered <= {call.confirmation for call in turn.end.open_calls}:
        raise NothingWaits
    waiting = [call for call in turn.end.open_calls if call.confirmation is not None and call.is_approved is None]
    if missing := [call.name for call in waiting if call.confirmation not in answered]:
        raise InvalidParameter("input", f"there is no answer for these calls: {', '.join(missing)}")


def _repeated(turn: RecordedTurn | None, answers: Sequence[Answer]) -> Begun:
    """Return the turn of an earlier request with the same answers: the client did not get the response.

    Raises:
        NothingWaits: no request had these answers.
    """
    answered = {answer.question_id for answer in answers}
    for record in turn.records if turn else ():
        if turn and answered_questions(record.items) == answered:
            running = runner.running(turn.session_id)
            is_here = running is not None and running.turn_id == turn.turn_id
            return Begun(turn.turn_id, turn.session_id, running if is_here else None, record, is_stored=True)
    raise NothingWaits
