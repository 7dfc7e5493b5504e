"""`POST /api/chat`: a message in, the reply out, at once, later, or as it streams."""

import asyncio
import uuid
from typing import Any

from psycopg.errors import UniqueViolation
from rest_framework.request import Request

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from chat.api.answers import Answer, EventStream
from chat.api.chat_stream import turn_events
from chat.api.errors import IdempotencyMismatch, ReleaseUnusable
from chat.api.guard import Opened, guard
from chat.api.parameters import reads
from chat.api.requests import ChatRequest
from chat.api.views import SnapshotView
from chat.api.waiting import until_idle
from chat.providers.base import ModelFailure, ModelTimeout
from chat.turns.resuming import said_before
from chat.turns.runner import runner
from chat.turns.running_turn import RunningTurn
from chat.wire.events import ChatEvent
from chat.wire.sessions import Snapshot
from keys.permissions import may_use
from sessions_app import turns
from sessions_app.events.hub import hub
from sessions_app.store import store
from sessions_app.turns import EarlierTurn, NewTurn, SessionBusy, SessionOfAnotherApp, TurnOutcome
from sessions_app.values import Session


class ChatView(SnapshotView):
    """Starts a turn, or finds the one that the client asks for again, and shows how it goes."""

    @reads(ChatRequest)
    async def post(self, request: Request, asked: ChatRequest) -> Answer[Snapshot] | EventStream[ChatEvent]:
        """Answer the snapshot once the turn has ended or the client would not wait longer."""
        session_id = self.session_id()
        session = store.remembered(session_id) or await store.reload(session_id)
        app = await self._app(asked.app or None, session)
        turn = self._new_turn(session_id, app, asked)
        running = await self._start_or_find(turn, session, app)
        opened = Opened(self.caller, session_id, to_chat=True)
        if "text/event-stream" in request.headers.get("Accept", ""):
            return EventStream(turn_events(running, opened, lambda now: self.snapshot_body(now, app)))
        shows_turns = hub.has_stream(session_id)
        wait = asked.wait(app.reply_wait_seconds, shows_turns=shows_turns)
        async with guard.breaking_off(opened):
            await self._wait(session_id, running, wait.seconds)
        if running is not None and running.failure is not None:
            raise running.failure
        now = running.session if running is not None else None
        response = await self.snapshot_of(now or (await self.known_session(session_id))[0], app)
        if wait.preference:
            response["Preference-Applied"] = wait.preference
        return response

    async def _wait(self, session_id: uuid.UUID, running: RunningTurn | None, seconds: int) -> None:
        """Wait for the end of the turn, which does not depend on us."""
        if running is None:  # over, or another worker's
            await until_idle(session_id, seconds)
        elif running.task is not None:
            await asyncio.wait({running.task}, timeout=seconds)
            if running.task.done():
                running.task.result()  # raises when the result could not be stored

    async def _start_or_find(self, turn: NewTurn, session: Session | None, app: AppConfig) -> RunningTurn | None:
        """Return the turn of this worker that answers the call; None when it is another worker's, or over."""
        earlier = await self._earlier(turn) if session else None
        if earlier is None:
            await self._check_release(app, session, turn.session_id)
            try:
                return await self._start(turn.turn_id, await turns.claim(turn, session), app)
            except (SessionBusy, UniqueViolation):
                # The same call came twice at once and the other one was first; or somebody else's turn runs.
                earlier = await self._earlier(turn)
                if earlier is None:
                    raise
        return await self._find(earlier, turn.session_id, app)

    async def _earlier(self, turn: NewTurn) -> EarlierTurn | None:
        """Return the turn that was begun under the call's idempotency key, if any.

        Raises:
            IdempotencyMismatch: it was begun with another message or App.
            SessionOfAnotherApp: with an App that is closed to the caller, who learns nothing of what happened there.
        """
        earlier = await turns.by_idempotency_key(turn)
        if earlier is None or (earlier.app_id == turn.app_id and earlier.has_same_message):
            return earlier
        app = await app_configs.by_id(earlier.app_id, revision=self.caller.revision)
        raise IdempotencyMismatch if may_use(self.caller, app) else SessionOfAnotherApp

    async def _check_release(self, app: AppConfig, session: Session | None, session_id: uuid.UUID) -> None:
        """Refuse the call before anything is stored, if the release that would answer cannot be run."""
        try:
            await self.answering(app, session)
        except ReleaseUnusable:  # our copy may be stale
            await self.answering(app, await store.load(session_id))

    async def _find(self, earlier: EarlierTurn, session_id: uuid.UUID, app: AppConfig) -> RunningTurn | None:
        """Return a turn that was begun before; one that failed is tried again."""
        if earlier.status == "failed":
            again = await turns.claim_again(session_id, earlier.turn_id)
            if again is not None:
                return await self._start(earlier.turn_id, again, app, **said_before(again, earlier.turn_id))
            failure = ModelTimeout if earlier.error_code == ModelTimeout.code else ModelFailure
            raise failure(earlier.error_detail)
        running = runner.running(session_id)
        return running if running is not None and running.turn_id == earlier.turn_id else None

    async def _start(self, turn_id: uuid.UUID, claimed: Session, app: AppConfig, **before: Any) -> RunningTurn:
        try:
            app = await self.answering(app, claimed)
        except Exception:  # only where our copy of the session was stale
            code, detail = "model_error", "The release that the session keeps could not be run."
            failed = TurnOutcome(turn_status="failed", model=claimed.chosen_model, error_code=code, error_detail=detail)
            await turns.finish(claimed, turn_id, failed)
            raise
        model = app.model_for(claimed.chosen_model)
        has_key = app.id in self.caller.app_ids
        running = RunningTurn(
            turn_id=turn_id, session_id=claimed.id, session=claimed, app=app, model=model, has_key=has_key, **before
        )
        runner.start(running, claimed)
        return running

    async def _app(self, slug: str | None, session: Session | None) -> AppConfig:
        """Return the App to use: the one named, else the session's, else the default."""
        if slug is None and session is not None and session.app_id is not None:
            app = await app_configs.by_id(session.app_id, revision=self.caller.revision)
            return self.permitted(app)
        return await self.usable_app(slug)

    def _new_turn(self, session_id: uuid.UUID, app: AppConfig, asked: ChatRequest) -> NewTurn:
        return NewTurn(
            turn_id=uuid.uuid4(),
            message_id=uuid.uuid4(),
            session_id=session_id,
            app_id=app.id,
            app_key_id=self.caller.key_id,
            content=asked.message,
            idempotency_key=asked.idempotency_key,
            user_state=asked.state_text,
            wallet=asked.wallet,
            release_id=app.release_id,
            keeps_release=app.sessions_keep_release,
        )
