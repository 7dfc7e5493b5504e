"""Views that answer with a snapshot of the session."""

from rest_framework.request import Request

from apps_registry.values import AppConfig
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import StateRequest
from chat.api.snapshot import empty_snapshot, snapshot, state_with_requests, usage_body
from chat.api.streams.guard import Opened, guard
from chat.turns.interrupts import interrupt
from chat.turns.pausing.wallet_requests import pending
from chat.turns.unfinished import unfinished_messages
from chat.wire.sessions import Snapshot
from sessions_app.store import store
from sessions_app.turns.reading import end_of, last_usage
from sessions_app.values import PROCESSING, Session


class SnapshotView(ApiView):
    """Base class of views that answer with a snapshot."""

    async def snapshot_of(self, session: Session, app: AppConfig | None) -> Answer[Snapshot]:
        """Return a response with the snapshot; see `snapshot_body`."""
        return Answer(await self.snapshot_body(session, app))

    async def snapshot_body(self, session: Session, app: AppConfig | None, *, since: str = "") -> Snapshot:
        """Return the snapshot, with the partial reply of a running turn, and mark its system events delivered.

        Messages up to the one with the id `since` are omitted.
        """
        events = await store.undelivered_events(session.id) if session.undelivered_events else []
        slug = app.slug if app else None
        body = snapshot(session, app=slug, unfinished=await unfinished_messages(session), events=events, since=since)
        if session.running_turn is not None and session.status != PROCESSING:  # it waits for the client
            end = await end_of(session.running_turn)
            body["user_state"] = state_with_requests(session.user_state, pending(end.open_calls if end else ()))
        if app is not None and app.shows_usage:
            body["usage"] = usage_body(await last_usage(session.id))
        return body


class StateView(SnapshotView):
    """`GET /api/state`: the session's current state, whichever worker runs its turn."""

    @reads(StateRequest)
    async def get(self, request: Request, params: StateRequest) -> Answer[Snapshot]:
        """Get the session with its messages; a session that does not exist is empty and is not created."""
        session_id, state, wallet = self.session_id(), params.state_text, params.wallet
        session = await store.load(session_id)
        if session is None:
            return Answer(empty_snapshot(session_id, user_state=state))
        app = await self.app_of(session)
        if wallet is not None:  # a call that names no wallet binds none
            wallet = await self.wallet_of_call(wallet)
        if state is not None or wallet is not None:
            await store.update(session_id, user_state=state, wallet=wallet)
            session = await store.load(session_id) or session
        return Answer(await self.snapshot_body(session, app, since=params.since))


class InterruptView(SnapshotView):
    """`POST /api/interrupt`: stops the running or paused turn, if there is one."""

    async def post(self, request: Request) -> Answer[Snapshot]:
        """Stop the turn that is running or waiting for the user; the next message is accepted at once."""
        session, app = await self.known_session(self.session_id())
        async with guard.cancelling(Opened(self.caller, session.id)):
            interrupted = await interrupt(session)
        return await self.snapshot_of(interrupted or session, app)
