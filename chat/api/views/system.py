"""`/api/system` and `/api/events`: messages outside the conversation."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from apps_registry.support.text.plain_json import TooDeep, read_json
from chat.access import NoSuchSession
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import EventsRequest, SystemRequest
from chat.api.snapshot import system_event
from chat.turns.output.message_body import message_body
from chat.turns.output.telling import tell_readers
from chat.turns.pausing.questions import read_answers
from chat.turns.resuming import resume_turn
from chat.wire.events import NoticeEvent
from chat.wire.sessions import SystemEvent, SystemResponse
from keys.guards.storage import count_stored
from sessions_app.questions import OF_WALLET
from sessions_app.questions import Answer as QuestionAnswer
from sessions_app.store import store
from sessions_app.system_events import CALLBACK, NOTICE, add_event, newest_events
from sessions_app.turns.pauses import NothingWaits
from sessions_app.values import StoredMessage

RESPONSE_PREFIX = "Response of system endpoint: "
MAX_DEPTH = 20  # of the JSON in a message, as of a user_state


class SystemView(ApiView):
    """Takes a client's notice, callback or answer to a question; the model reads it in the next turn."""

    @reads(SystemRequest)
    async def post(self, request: Request, params: SystemRequest) -> Answer[SystemResponse]:
        """Send a notice, a callback or an answer to a question; a session that does not exist is created."""
        session_id, text = self.session_id(), params.message
        data = _json(text)
        answers = read_answers(data, session_id)
        if answers is not None and await self._are_taken(session_id, answers):
            content = f"{RESPONSE_PREFIX}{text}"
            return Answer({"res": message_body(StoredMessage(uuid4(), None, "system", content, datetime.now(UTC)))})
        session = await store.load(session_id)
        if session is None:
            await self.create_session(session_id)
            session = await store.load(session_id)
        if session is None:
            raise NotFound("The session was deleted in the meantime.")
        await self.app_of(session)
        await count_stored(self.caller, 2 * len(text.encode()))  # it is stored as an event and as a message
        kind, payload = (CALLBACK, text) if data is not None else (NOTICE, orjson.dumps(text).decode())
        message = await add_event(session_id, kind=kind, payload=payload, content=f"{RESPONSE_PREFIX}{text}")
        if message is None:
            raise NotFound("The session was deleted in the meantime.")
        if kind == NOTICE:
            tell_readers(session.app_id, NoticeEvent(type="system_notice", session_id=session_id, message=text))
        return Answer({"res": message_body(message)})

    async def _are_taken(self, session_id: UUID, answers: Sequence[QuestionAnswer]) -> bool:
        """Give a turn the answers that it waits for; return False if nothing waits for what a wallet has done.

        A transaction may be sent too late for its turn. The model must still learn of it: it becomes a callback.
        """
        taken = 0
        for answer in answers:
            try:
                # Like a chat message, an answer needs the App's key, because it resumes a turn.
                await resume_turn(self.caller, session_id, answer, on_app=self.note_app)
                taken += 1
            except (NothingWaits, NoSuchSession):
                if answer.kind not in OF_WALLET:
                    raise
        return taken > 0


class EventsView(ApiView):
    """Lists the newest system events."""

    @reads(EventsRequest)
    async def get(self, request: Request, params: EventsRequest) -> Answer[list[SystemEvent]]:
        """List the newest system events, oldest first, including those that a snapshot has delivered."""
        session_id = self.session_id()
        await self.known_session(session_id)
        return Answer([system_event(kind, payload) for kind, payload in await newest_events(session_id, params.count)])


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    """Return the JSON object or list in a message; None for a notice, which may also be a bare JSON number or string.

    Raises:
        ValidationError: the JSON is nested too deeply.
    """
    try:
        data = read_json(text, max_depth=MAX_DEPTH)
    except TooDeep:
        raise ValidationError(f"message: its JSON is nested more than {MAX_DEPTH} levels deep.") from None
    except ValueError:
        return None
    return data if isinstance(data, dict | list) else None
