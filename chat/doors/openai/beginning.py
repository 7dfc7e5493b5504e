"""Starts the turn that a request asks for, in a session or stateless, or continues a turn that waits."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from apps_registry.values import AppConfig
from chat.access import known_session
from chat.doors.answering import give_answers, is_yes, last_turn, open_confirmations
from chat.doors.derived_sessions import derived_session_id
from chat.doors.openai.call_ids import read_call_id
from chat.doors.openai.conversation import Conversation, ToolOutput, read_conversation
from chat.doors.openai.errors import InvalidParameter
from chat.doors.openai.named_sessions import check_header, session_named, session_of_header
from chat.doors.openai.new_sessions import new_session_id, read_idempotency_key
from chat.doors.openai.requests import CompletionRequest
from chat.turns.input.options import TurnOptions
from chat.turns.pausing.questions import result_text
from chat.turns.running.runner import runner
from chat.turns.running.running_turn import RunningTurn
from chat.turns.start import start_turn
from keys.callers import Caller
from sessions_app.questions import Answer
from sessions_app.store import store
from sessions_app.turns.pauses import NothingWaits
from sessions_app.values import Session

IN_METADATA = "metadata.session_id"


@dataclass(frozen=True, slots=True)
class Begun:
    """The turn that answers a request.

    Attributes:
        running: the turn, if it runs on this worker.
        count: the number of the turn's messages that earlier answers contained.
        is_stateless: whether the client names no session.
        round_number: the round at which the request continued the turn; 0 if it began it.
        before: the prompt and completion tokens that the turn had used before; None: its steps say so.
    """

    turn_id: uuid.UUID
    session_id: uuid.UUID
    running: RunningTurn | None
    count: int = 0
    is_stateless: bool = False
    round_number: int = 0
    before: tuple[int, int] | None = (0, 0)


@dataclass(frozen=True, slots=True)
class Beginning:
    """A request whose App is known.

    Attributes:
        model: the name of one of the App's models; empty for the session's.
    """

    caller: Caller
    headers: Mapping[str, str]
    params: CompletionRequest
    app: AppConfig
    model: str

    async def begin(self) -> Begun:
        """Start or resume the turn.

        Raises:
            InvalidParameter: a parameter cannot be used; otherwise the errors of `start_turn` and `resume_turn`.
        """
        conversation = read_conversation(self.params.messages)
        named = self._named_session()
        if conversation.message is None:
            return await self._continue(conversation.outputs, named)
        session_id = named or await self._continued_chat(conversation)
        options = self._options(conversation, is_stateless=session_id is None)
        if session_id is None:
            return await self._start(self._new_session(), conversation.message, options)
        if is_yes(conversation.message) and (begun := await self._approve(session_id)):
            return begun
        return await self._start(session_id, conversation.message, options)

    async def _start(self, session_id: uuid.UUID, message: str, options: TurnOptions) -> Begun:
        started = await start_turn(
            self.caller,
            session_id,
            self.app.slug,
            message,
            idempotency_key=read_idempotency_key(self.headers),
            options=options,
        )
        return _begun(started.turn_id, session_id, started.running, is_stateless=options.is_stateless)

    async def _continue(self, outputs: Sequence[ToolOutput], named: uuid.UUID | None) -> Begun:
        """Give a waiting turn the outputs of the caller's tools."""
        calls = [read_call_id(output.call_id) for output in outputs]
        sessions = {call[0] for call in calls if call} | ({named} if named else set())
        if None in calls or len(sessions) != 1:
            raise InvalidParameter("messages", "no turn of this session waits for the outputs at the end")
        (session_id,) = sessions
        is_stateless = named is None and session_id != self._chat_of_openwebui()
        answers = [
            Answer.to_client_tool(call[1], result_text(output.text))
            for call, output in zip(calls, outputs, strict=True)
            if call
        ]
        try:
            return await self._resume(session_id, answers, is_stateless=is_stateless)
        except NothingWaits:
            session, _ = await known_session(self.caller, session_id)
            return _continued(session, [answer.result for answer in answers], is_stateless=is_stateless)

    async def _approve(self, session_id: uuid.UUID) -> Begun | None:
        """Allow the calls that the session's turn asks about; return None if it does not ask for confirmations only."""
        questions = await open_confirmations(session_id)
        if not questions:
            return None
        answers = [Answer.to_confirmation(question, is_approved=True) for question in questions]
        return await self._resume(session_id, answers)

    async def _resume(self, session_id: uuid.UUID, answers: Sequence[Answer], *, is_stateless: bool = False) -> Begun:
        turn_id, running = await give_answers(self.caller, session_id, answers)
        return _begun(turn_id, session_id, running, is_stateless=is_stateless)

    def _options(self, conversation: Conversation, *, is_stateless: bool) -> TurnOptions:
        rules = self.app.caller_rules
        return TurnOptions(
            model=self.model,
            instructions=conversation.instructions if rules.may_instruct else "",
            sampling=self.params.sampling(self.app),
            tools=self.params.client_tools(),
            history=conversation.history if is_stateless else (),
            is_stateless=is_stateless,
        )

    def _named_session(self) -> uuid.UUID | None:
        """Return the session that the request names; None for a stateless one.

        Raises:
            InvalidParameter: the name is not a session's id, or there are two names for different sessions.
        """
        named = (self.params.metadata or {}).get("session_id")
        if named is not None:
            session_id = session_named(IN_METADATA, named)
            check_header(self.headers, session_id, IN_METADATA)
            return session_id
        return session_of_header(self.headers)

    async def _continued_chat(self, conversation: Conversation) -> uuid.UUID | None:
        """Return the session of the chat that a request of Open WebUI continues; None: it may be one of its tasks.

        Prompts for titles, tags and such carry the id of the chat, too. They consist of one message. Only the one
        that merges replies is streamed, and a chat with replies has begun.
        """
        session_id = self._chat_of_openwebui()
        if session_id is None or not self.params.stream:
            return None
        may_be_task = not conversation.history and await store.load(session_id) is not None
        return None if may_be_task else session_id

    def _chat_of_openwebui(self) -> uuid.UUID | None:
        """Return the session of the chat that the request names, if the App continues chats of Open WebUI."""
        chat = self.headers.get("X-OpenWebUI-Chat-Id")
        if not chat or not self.app.caller_rules.continues_chats_of_openwebui:
            return None
        return derived_session_id(self.app.id, self.caller, chat, purpose="of Open WebUI")

    def _new_session(self) -> uuid.UUID:
        """Return the id of a session for one call; a repeated Idempotency-Key gets the same id."""
        keeps_text = self.app.caller_rules.keeps_stateless_text  # otherwise a repeated call would find no reply
        return new_session_id(self.app, self.caller, read_idempotency_key(self.headers) if keeps_text else None)


def _begun(turn_id: uuid.UUID, session_id: uuid.UUID, running: RunningTurn | None, *, is_stateless: bool) -> Begun:
    begun = Begun(turn_id, session_id, running, running.count if running else 0, is_stateless)
    if running is None or running.resumed is None:
        return begun
    # Once it goes on, what it has used includes what it uses for this answer.
    used = (running.used.prompt_tokens or 0, running.used.completion_tokens or 0)
    return replace(begun, round_number=running.resumed.round_number, before=None if running.has_begun else used)


def _continued(session: Session, results: Sequence[str | None], *, is_stateless: bool) -> Begun:
    """Return the turn that these results have already continued: the client did not get the answer and asks again.

    Raises:
        NothingWaits: these results have not continued a turn.
    """
    turn_id = last_turn(session)
    own = [message for message in session.messages if message.turn_id == turn_id and message.role != "user"]
    stored = [index for index, message in enumerate(own) if message.role == "tool" and message.content in results]
    if len(stored) < len(results):
        raise NothingWaits
    return Begun(
        turn_id,
        session.id,
        runner.running(session.id),
        count=stored[-1] + 1,
        is_stateless=is_stateless,
        round_number=own[stored[-1]].tool_round,
        before=None,
    )
