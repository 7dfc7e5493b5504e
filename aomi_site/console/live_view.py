"""A session's events for the console, while an operator looks at it.

The stream is on the event loop, like those of the API: on the admin's path it would hold one of its few threads.
"""

import time
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from aomi_site.console.stream_logins import RECHECK_SECONDS, login_of, operator_of
from apps_registry.support import database
from chat.api.answers import EventStream
from chat.api.streams.following import KEEPALIVE, KEEPALIVE_SECONDS, sse
from chat.turns.unfinished import unfinished_messages
from sessions_app.events.hub import hub
from sessions_app.store import store


async def live_view(request: HttpRequest, session_id: UUID) -> HttpResponseBase:
    """Answer the session's state and then its events, to operators who may see conversations."""
    if request.method != "GET":
        return HttpResponse(status=405, headers={"Allow": "GET"})
    login = login_of(request)
    if not await database.run_orm(_may_look, login):
        return HttpResponse(status=403)
    return EventStream[Any](_events(login, session_id))


async def _events(login: str, session_id: UUID) -> AsyncGenerator[bytes, None]:
    # Not as a client's stream: while a client has one open, its chat calls answer at once.
    subscription = hub.subscribe(session_id)
    checked = time.monotonic()
    try:
        yield b"retry: 2000\n\n" + await _state(session_id)
        async for event in subscription.read(idle_seconds=KEEPALIVE_SECONDS):
            if time.monotonic() - checked > RECHECK_SECONDS:
                if not await database.run_orm(_may_look, login):
                    return
                checked = time.monotonic()
            if event is None:
                yield KEEPALIVE
            else:
                yield sse({"type": event.type, **event.data}, event_id=event.id)
    finally:
        hub.unsubscribe(session_id, subscription)


async def _state(session_id: UUID) -> bytes:
    """Return the event with the session's status, and the text that streams in."""
    session = await store.load(session_id)
    state: dict[str, Any] = {"type": "state", "status": session.status if session else "idle", "text": ""}
    unfinished = await unfinished_messages(session) if session else []
    if unfinished and unfinished[-1].role == "agent":
        state |= {"text": unfinished[-1].content, "message_id": unfinished[-1].id}
    return sse(state)


def _may_look(login: str) -> bool:
    """Return whether a login of the admin, named by its cookie, may see conversations now."""
    user = operator_of(login)
    return user is not None and bool(user.has_perm("sessions_app.view_chatsession"))
