"""Snapshots: the state of a session, and what an interrupt leaves of it."""

from datetime import UTC, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps_registry.values import AppConfig
from chat.api import ApiView
from chat.interrupts import interrupt
from chat.parameters import client_state, text_parameter
from chat.runner import runner
from chat.running_turn import message_id
from chat.snapshot import empty_snapshot, snapshot
from sessions_app.partials import partials
from sessions_app.store import store
from sessions_app.values import PROCESSING, Session, StoredMessage


class SnapshotView(ApiView):
    """A view that answers with a snapshot."""

    async def snapshot_of(self, session: Session, app: AppConfig | None) -> Response:
        """Return the snapshot, with the partial reply while a turn runs, delivering the events that are due."""
        return Response(await self.snapshot_body(session, app))

    async def snapshot_body(
        self, session: Session, app: AppConfig | None, *, since: str | None = None
    ) -> dict[str, Any]:
        """Return the snapshot's data; `since` leaves out the messages up to that id."""
        events = await store.undelivered_events(session.id) if session.undelivered_events else []
        slug = app.slug if app else None
        return snapshot(session, app=slug, unfinished=await _unfinished(session), events=events, since=since)


class StateView(SnapshotView):
    """`GET /api/state`: the session now, on whichever worker."""

    async def get(self, request: Request) -> Response:
        """Answer the snapshot; a session that does not exist is empty and stays unwritten."""
        session_id, client = self.session_id(), client_state(request)
        since = text_parameter(request, "since")
        session = await store.load(session_id)
        if session is None:
            return Response(empty_snapshot(session_id, user_state=client.user_state))
        app = await self.app_of(session)
        if client.user_state is not None or client.wallet is not None:
            await store.update(session_id, user_state=client.user_state, wallet=client.wallet)
            session = await store.load(session_id) or session
        return Response(await self.snapshot_body(session, app, since=since))


class InterruptView(SnapshotView):
    """`POST /api/interrupt`: stop the turn that runs, if one does."""

    async def post(self, request: Request) -> Response:
        """Answer the snapshot after the stop; the next message is accepted at once."""
        session, app = await self.known_session(self.session_id())
        return await self.snapshot_of(await interrupt(session) or session, app)


async def _unfinished(session: Session) -> list[StoredMessage]:
    """Return what a running turn has said and not yet stored; the last one streams in."""
    if session.status != PROCESSING or session.running_turn is None:
        return []
    if turn := runner.running(session.id):
        said, id_, text = list(turn.messages), turn.streaming_id, turn.partial_text
    elif heard := await partials.get(session.id):
        said, id_, text = [], heard.message_id, heard.text
    else:  # begun before this worker listened; a turn's first message has the number of those stored
        number = sum(message.turn_id == session.running_turn for message in session.messages) - 1
        said, id_ = [], message_id(session.running_turn, number)
        text = await store.partial_text(session.running_turn)
    return [*said, StoredMessage(id_, session.running_turn, "agent", text, datetime.now(UTC))] if text else said
