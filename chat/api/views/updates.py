"""`GET /api/updates`: streams the events of a session, from all workers, as server-sent events."""

import asyncio
import time
from collections.abc import AsyncGenerator

from rest_framework.request import Request

from apps_registry.runtime.app_configs import app_configs
from chat.access import refusal_to_read
from chat.api.answers import EventStream
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import UpdatesRequest
from chat.api.streams.following import KEEPALIVE, KEEPALIVE_SECONDS, sse
from chat.api.streams.guard import Opened, guard
from chat.wire.events import UpdateEvent
from keys.callers import Caller
from sessions_app.events.hub import hub
from sessions_app.events.subscriptions import SessionEvent
from sessions_app.store import store


class UpdatesView(ApiView):
    """Streams a session's events; the session need not exist yet."""

    @reads(UpdatesRequest)
    async def get(self, request: Request, params: UpdatesRequest) -> EventStream[UpdateEvent]:
        """Stream the session's events until the client disconnects or falls behind, or the worker stops."""
        session_id = self.session_id()
        session = await store.load(session_id)
        if session is not None:
            await self.app_of(session)
        opened = Opened(self.caller, session_id, is_known=session is not None)
        return EventStream(_events(opened, params.last_event_id))


async def _events(opened: Opened, last_event_id: str | None) -> AsyncGenerator[bytes, None]:
    session_id = opened.session_id
    # Subscribe here and not in the view: if the client has left already, this never starts and needs no cleanup.
    subscription = hub.subscribe(session_id, after=last_event_id, is_stream=True)
    opened.on_refusal = subscription.close
    if (task := asyncio.current_task()) is not None:
        subscription.on_overflow = task.cancel
    try:
        with guard.watching(opened):
            yield b"retry: 1000\n: connected\n\n"
            quiet_since = time.monotonic()
            async for event in subscription.read(idle_seconds=KEEPALIVE_SECONDS):
                if event is None or not await _may_see(opened.caller, event):
                    if time.monotonic() - quiet_since >= KEEPALIVE_SECONDS:
                        yield KEEPALIVE
                        quiet_since = time.monotonic()
                    continue
                quiet_since = time.monotonic()
                yield sse({"type": event.type, "session_id": session_id, **event.data}, event_id=event.id)
    finally:
        hub.unsubscribe(session_id, subscription)


async def _may_see(caller: Caller, event: SessionEvent) -> bool:
    """Return whether the caller may read the session, which may have been bound to an App a moment ago."""
    if event.app_id is None:
        return True
    app = await app_configs.by_id(event.app_id, revision=caller.revision)
    return refusal_to_read(caller, event.app_id, app) is None
