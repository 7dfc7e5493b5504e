"""Starts the turn that a tool call asks for, or continues one that waits for the user's approval."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps_registry.values import AppConfig
from chat.access import known_session
from chat.api.fields import IDEMPOTENCY_KEY_MAX_CHARS
from chat.doors.answering import give_answers, is_yes, open_confirmations
from chat.doors.derived_sessions import derived_session_id
from chat.turns.input.limits import InvalidMessage
from chat.turns.input.options import TurnOptions
from chat.turns.running.running_turn import RunningTurn
from chat.turns.start import start_turn
from keys.callers import Caller
from sessions_app.access import InvalidSessionId, parse_session_id
from sessions_app.questions import Answer
from sessions_app.turns.values import SessionOfAnotherApp

ARGUMENTS = frozenset({"message", "session_id"})
# The only answer to a tool call is its result, so the turn cannot call tools that run at the client.
OPTIONS = TurnOptions(has_client_tools=False)


@dataclass(frozen=True, slots=True)
class BegunCall:
    """The turn that answers a tool call.

    Attributes:
        running: the turn, if it runs on this worker.
        after: the number of the turn's messages that earlier results contained.
    """

    turn_id: uuid.UUID
    session_id: uuid.UUID
    running: RunningTurn | None
    after: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        app: the App that the tool calls.
        params: the parameters of the request.
        idempotency_key: the Idempotency-Key of the request, if it has one.
        named_session: the X-Session-Id of the request, if it has one.
    """

    caller: Caller
    app: AppConfig
    params: Mapping[str, Any]
    idempotency_key: str | None = None
    named_session: str | None = None

    async def begin(self) -> BegunCall:
        """Start or resume the turn.

        Raises:
            InvalidMessage, InvalidSessionId: an argument cannot be used; otherwise the errors of `start_turn` and
                `resume_turn`.
        """
        state = self.params.get("requestState")
        if state is not None:
            waiting = self._with_header(_session_id(state), "requestState")
            return await self._resume(waiting, _answers(self.params.get("inputResponses")))
        message, in_arguments = self._arguments()
        session_id = self._with_header(in_arguments, "session_id") if in_arguments else self._in_header()
        if session_id is not None and is_yes(message) and (questions := await open_confirmations(session_id)):
            answers = [Answer.to_confirmation(question, is_approved=True) for question in questions]
            begun = await self._resume(session_id, answers)
            return BegunCall(begun.turn_id, session_id, begun.running, begun.running.count if begun.running else 0)
        session_id = session_id or self._new_session()
        started = await start_turn(
            self.caller,
            session_id,
            self.app.slug,
            message,
            idempotency_key=self._checked_key(),
            options=OPTIONS,
        )
        return BegunCall(started.turn_id, session_id, started.running)

    async def _resume(self, session_id: uuid.UUID, answers: list[Answer]) -> BegunCall:
        session, _ = await known_session(self.caller, session_id)
        if session.app_id != self.app.id:
            raise SessionOfAnotherApp
        turn_id, running = await give_answers(self.caller, session_id, answers)
        return BegunCall(turn_id, session_id, running)

    def _arguments(self) -> tuple[str, uuid.UUID | None]:
        arguments = self.params.get("arguments", {})
        if not isinstance(arguments, dict):
            raise InvalidMessage("arguments must be an object.")
        if unknown := arguments.keys() - ARGUMENTS:
            named = ", ".join(sorted(map(ascii, unknown)))[:200]
            raise InvalidMessage(f"there is no argument {named}; the arguments are message and session_id.")
        message = arguments.get("message")
        if not isinstance(message, str):
            raise InvalidMessage("message is missing or is not text.")
        named_session = arguments.get("session_id")
        return message, None if named_session in {None, ""} else _session_id(named_session)

    def _in_header(self) -> uuid.UUID | None:
        return parse_session_id(self.named_session) if self.named_session else None

    def _with_header(self, session_id: uuid.UUID, name: str) -> uuid.UUID:
        """Return the session that a parameter names, which must be that of the header, if there is one."""
        if self._in_header() not in {None, session_id}:
            raise InvalidSessionId(f"{name} is another session than the header X-Session-Id")
        return session_id

    def _new_session(self) -> uuid.UUID:
        """Return the id of a new session; a repeated Idempotency-Key gets the same id."""
        key = self._checked_key()
        if key is None:
            return uuid.uuid4()
        return derived_session_id(self.app.id, self.caller, key, purpose="of a tool call")

    def _checked_key(self) -> str | None:
        if self.idempotency_key and len(self.idempotency_key) > IDEMPOTENCY_KEY_MAX_CHARS:
            raise InvalidMessage(f"Idempotency-Key is longer than {IDEMPOTENCY_KEY_MAX_CHARS} characters.")
        return self.idempotency_key or None


def _session_id(text: object) -> uuid.UUID:
    try:
        return parse_session_id(str(text))
    except InvalidSessionId:
        raise InvalidSessionId("session_id is not from an earlier answer") from None


def _answers(responses: Any) -> list[Answer]:
    """Return the user's answers to the forms of an earlier result; everything except an explicit yes is a no."""
    if not isinstance(responses, dict):
        raise InvalidMessage("inputResponses is missing.")
    return [Answer.to_confirmation(question, is_approved=_is_yes(reply)) for question, reply in responses.items()]


def _is_yes(response: Any) -> bool:
    content = response.get("content") if isinstance(response, dict) else None
    is_accepted = isinstance(response, dict) and response.get("action") == "accept"
    return is_accepted and isinstance(content, dict) and content.get("approve") is True
