"""`POST /api/chat`: takes a message and answers with a snapshot or a stream."""

from rest_framework.request import Request

from chat.api.answers import Answer, EventStream
from chat.api.parameters import reads
from chat.api.requests import ChatRequest
from chat.api.streams.chat_stream import turn_events
from chat.api.streams.guard import Opened, guard
from chat.api.streams.waiting import until_ended
from chat.api.views.state import SnapshotView
from chat.turns.input.options import NO_OPTIONS, TurnOptions
from chat.turns.start import start_turn
from chat.wire.events import ChatEvent
from chat.wire.sessions import Snapshot
from keys.http.streams import prefers_stream
from sessions_app.events.hub import hub


class ChatView(SnapshotView):
    """Starts a turn, or finds the one that an earlier request with the same key has started, and answers with it."""

    @reads(ChatRequest)
    async def post(self, request: Request, params: ChatRequest) -> Answer[Snapshot] | EventStream[ChatEvent]:
        """Send a message to an App; returns the session when the turn has ended or the wait is over."""
        session_id = self.session_id()
        turn = await start_turn(
            self.caller,
            session_id,
            params.app or None,
            params.message,
            idempotency_key=params.idempotency_key,
            user_state=params.state_text,
            wallet=params.wallet,
            options=TurnOptions(tools=params.client_tools) if params.client_tools else NO_OPTIONS,
            on_app=self.note_app,
        )
        app, running = turn.app, turn.running
        opened = Opened(self.caller, session_id, to_chat=True)
        if prefers_stream(request.headers.get("Accept", "")):
            return EventStream(turn_events(running, opened, lambda session: self.snapshot_body(session, app)))
        shows_turns = hub.has_stream(session_id)
        wait = params.wait(app.reply_wait_seconds, shows_turns=shows_turns)
        async with guard.cancelling(opened):
            await until_ended(session_id, running, wait.seconds)
        if running is not None and running.failure is not None:
            raise running.failure
        session = running.session if running is not None else None
        response = await self.snapshot_of(session or (await self.known_session(session_id))[0], app)
        if wait.preference:
            response["Preference-Applied"] = wait.preference
        return response
