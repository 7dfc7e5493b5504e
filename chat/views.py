"""Chat and state: the two calls that every client makes."""

import asyncio
import uuid
from datetime import UTC, datetime

from rest_framework.request import Request
from rest_framework.response import Response

from apps_registry.configs import app_configs
from apps_registry.values import AppConfig
from chat.api import ApiView
from chat.parameters import ClientState, app_parameter, client_state, message_parameter
from chat.runner import runner
from chat.running_turn import RunningTurn, message_id
from chat.snapshot import empty_snapshot, snapshot
from sessions_app import turns
from sessions_app.store import store
from sessions_app.turns import NewTurn
from sessions_app.values import PROCESSING, Session, StoredMessage


class SnapshotView(ApiView):
    """A view that answers with a snapshot."""

    async def snapshot_of(self, session: Session, app: AppConfig | None) -> Response:
        """Return the snapshot, with the partial reply while a turn runs, delivering the events that are due."""
        events = await store.undelivered_events(session.id) if session.undelivered_events else []
        body = snapshot(session, app=app.slug if app else None, partial=await _partial(session), events=events)
        return Response(body)


class ChatView(SnapshotView):
    """`POST /api/chat`: a message in, the reply out."""

    async def post(self, request: Request) -> Response:
        """Start a turn and wait for it as long as the App says; the turn itself does not depend on us."""
        session_id = self.session_id()
        message, client = message_parameter(request), client_state(request)
        session = store.remembered(session_id) or await store.reload(session_id)
        app = await self._app(app_parameter(request), session)
        turn = self._new_turn(session_id, app, message, client)
        claimed = await turns.claim(turn, session)
        running = RunningTurn(turn_id=turn.turn_id, session=claimed, app=app, model=app.models[0])
        task = runner.start(running, claimed)
        await asyncio.wait({task}, timeout=app.reply_wait_seconds)
        if not task.done():
            return await self.snapshot_of(claimed, app)
        task.result()  # raises when the result could not be stored
        if running.failure is not None:
            raise running.failure
        return await self.snapshot_of(running.session or claimed, app)

    async def _app(self, slug: str | None, session: Session | None) -> AppConfig:
        """Return the App to use: the one named, else the session's, else the default."""
        if slug is None and session is not None and session.app_id is not None:
            app = await app_configs.by_id(session.app_id, revision=self.caller.revision)
            self.check_object_permissions(self.request, app)
            if app is not None:
                return app
        return await self.usable_app(slug)

    def _new_turn(self, session_id: uuid.UUID, app: AppConfig, message: str, client: ClientState) -> NewTurn:
        return NewTurn(
            turn_id=uuid.uuid4(),
            message_id=uuid.uuid4(),
            session_id=session_id,
            app_id=app.id,
            app_key_id=self.caller.key_id,
            model=app.models[0].name,
            content=message,
            user_state=client.user_state,
            wallet=client.wallet,
        )


class StateView(SnapshotView):
    """`GET /api/state`: the session now, on whichever worker."""

    async def get(self, request: Request) -> Response:
        """Answer the snapshot; a session that does not exist is empty and stays unwritten."""
        session_id, client = self.session_id(), client_state(request)
        session = await store.load(session_id)
        if session is None:
            return Response(empty_snapshot(session_id, user_state=client.user_state))
        app = await self.app_of(session)
        if client.user_state is not None or client.wallet is not None:
            await store.update(session_id, user_state=client.user_state, wallet=client.wallet)
            session = await store.load(session_id) or session
        return await self.snapshot_of(session, app)


async def _partial(session: Session) -> StoredMessage | None:
    """Return the reply that streams in: from this worker's turn, else as its worker last stored it."""
    if session.status != PROCESSING or session.running_turn is None:
        return None
    turn = runner.running(session.id)
    text = turn.partial_text if turn else await store.partial_text(session.running_turn)
    number = len(turn.messages) if turn else 0
    if not text:
        return None
    return StoredMessage(
        message_id(session.running_turn, number), session.running_turn, "agent", text, datetime.now(UTC)
    )
