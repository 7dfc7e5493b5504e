"""Snapshots: the state of a session, and what an interrupt leaves of it."""

from datetime import UTC, datetime

from rest_framework.request import Request

from apps_registry.values import AppConfig
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.guard import Opened, guard
from chat.api.parameters import reads
from chat.api.requests import StateRequest
from chat.api.snapshot import empty_snapshot, snapshot
from chat.turns.interrupts import interrupt
from chat.turns.runner import runner
from chat.turns.running_turn import message_id
from chat.wire.sessions import Snapshot
from sessions_app.events.partials import partials
from sessions_app.store import store
from sessions_app.values import PROCESSING, Session, StoredMessage


class SnapshotView(ApiView):
    """A view that answers with a snapshot."""

    async def snapshot_of(self, session: Session, app: AppConfig | None) -> Answer[Snapshot]:
        """Return the snapshot, with the partial reply while a turn runs, delivering the events that are due."""
        return Answer(await self.snapshot_body(session, app))

    async def snapshot_body(self, session: Session, app: AppConfig | None, *, since: str = "") -> Snapshot:
        """Return the snapshot's data; `since` leaves out the messages up to that id."""
        events = await store.undelivered_events(session.id) if session.undelivered_events else []
        slug = app.slug if app else None
        return snapshot(session, app=slug, unfinished=await _unfinished(session), events=events, since=since)


class StateView(SnapshotView):
    """`GET /api/state`: the session now, on whichever worker."""

    @reads(StateRequest)
    async def get(self, request: Request, asked: StateRequest) -> Answer[Snapshot]:
        """Answer the snapshot; a session that does not exist is empty and stays unwritten."""
        session_id, state, wallet = self.session_id(), asked.state_text, asked.wallet
        session = await store.load(session_id)
        if session is None:
            return Answer(empty_snapshot(session_id, user_state=state))
        app = await self.app_of(session)
        if state is not None or wallet is not None:
            await store.update(session_id, user_state=state, wallet=wallet)
            session = await store.load(session_id) or session
        return Answer(await self.snapshot_body(session, app, since=asked.since))


class InterruptView(SnapshotView):
    """`POST /api/interrupt`: stop the turn that runs or waits for a confirmation, if one does."""

    async def post(self, request: Request) -> Answer[Snapshot]:
        """Answer the snapshot after the stop; the next message is accepted at once."""
        session, app = await self.known_session(self.session_id())
        async with guard.breaking_off(Opened(self.caller, session.id)):
            now = await interrupt(session)
        return await self.snapshot_of(now or session, app)


async def _unfinished(session: Session) -> list[StoredMessage]:
    """Return what a running turn has said and not yet stored; the last one streams in."""
    turn_id = session.running_turn
    if session.status != PROCESSING or turn_id is None:
        return []
    if turn := runner.running(session.id):
        said, id_, text = list(turn.messages), turn.streaming_id, turn.partial_text
    else:
        # The user's message aside, a turn's messages are numbered; what streams in is the next one, or the one
        # after a text that goes with tool calls and is stored with their results.
        number = sum(message.turn_id == turn_id for message in session.messages) - 1
        heard = await partials.get(session.id)
        if heard is not None and heard.message_id in {message_id(turn_id, number), message_id(turn_id, number + 1)}:
            said, id_, text = [], heard.message_id, heard.text
        else:
            said, id_, text = [], message_id(turn_id, number), await store.partial_text(turn_id)
    return [*said, StoredMessage(id_, turn_id, "agent", text, datetime.now(UTC))] if text else said
