"""Runs the playground's turns, with the engine and the rules of all others, and streams their steps.

The view is on the event loop, where turns run: on the admin's path it would hold one of its few threads.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from aomi_site.console.playground.access import NotTried, Operator, find_operator, may_try
from aomi_site.console.playground.asked import Asked, answer_in, read_asked
from aomi_site.console.playground.told import Told
from aomi_site.console.stream_logins import RECHECK_SECONDS, csrf_refusal, login_of, operator_of
from apps_registry.support import database
from chat.api.answers import EventStream
from chat.api.error_codes import STATUS
from chat.api.errors import SERVER_FAILED, code_and_sentence
from chat.api.streams.following import KEEPALIVE, events_of, listen, sse
from chat.api.streams.guard import Opened
from chat.turns.input.options import TurnOptions
from chat.turns.interrupts import interrupt
from chat.turns.output.turn_listener import TurnListener
from chat.turns.resuming import resume_turn
from chat.turns.running.running_turn import RunningTurn
from chat.turns.start import start_turn
from sessions_app.store import store
from sessions_app.values import Session

NO_SESSION = "This conversation of the playground was deleted. Begin a new one."


async def playground_stream_view(request: HttpRequest, app_id: int) -> HttpResponseBase:
    """Start, continue or stop a turn of the playground; a turn that runs is streamed as server-sent events."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if refusal := csrf_refusal(request):
        return refusal
    login = login_of(request)
    try:
        asked = read_asked(request.body)
        operator = await database.run_orm(find_operator, login, app_id, asked.channel, asked.after_turn)
        running = await _turn(operator, asked)
    except NotTried as refused:
        return _refused(refused.status, str(refused))
    except Exception as error:
        code, sentence = code_and_sentence(error)
        if code == SERVER_FAILED.code:
            raise
        return _refused(STATUS[code], sentence, code)
    if running is None:
        return JsonResponse({})
    # The turn has begun, but nothing has happened in it yet: this coroutine has not waited since.
    return EventStream[Any](_events(login, operator, running, listen(running)))


async def _turn(operator: Operator, asked: Asked) -> RunningTurn | None:
    """Do what is asked; return the turn that runs now, if one does."""
    session = await _session(operator, asked.session_id) if asked.session_id else None
    if session is not None and asked.stop:
        await interrupt(session)
        return None
    if session is not None and asked.answer is not None:
        return await resume_turn(operator.caller, session.id, answer_in(asked, session.id))
    started = await start_turn(
        operator.caller,
        session.id if session else uuid4(),
        operator.slug,
        asked.message,
        wallet=asked.public_key,
        options=TurnOptions(model=asked.model, tools=asked.client_tools, history=operator.earlier),
    )
    return started.running


async def _session(operator: Operator, session_id: UUID) -> Session:
    """Return a session that operators began with the App."""
    session = await store.load(session_id)
    if session is None or not session.is_operators or session.app_id not in operator.caller.app_ids:
        raise NotTried(404, NO_SESSION)
    return session


async def _events(
    login: str, operator: Operator, running: RunningTurn, listener: TurnListener
) -> AsyncGenerator[bytes, None]:
    told, checked = Told(running), time.monotonic()
    yield sse(told.began())
    opened = Opened(operator.caller, running.session_id)
    async with aclosing(events_of(running, opened, listener)) as events:
        async for event in events:
            if time.monotonic() - checked > RECHECK_SECONDS:
                if not await database.run_orm(_may_still_try, login):
                    return
                checked = time.monotonic()
            if event is None:
                yield KEEPALIVE
            else:
                for data in told.event(event):
                    yield sse(data)
    yield sse(told.ended())


def _may_still_try(login: str) -> bool:
    user = operator_of(login)
    return user is not None and may_try(user)


def _refused(status: int, sentence: str, code: str = "") -> HttpResponse:
    return JsonResponse({"error": sentence, "code": code}, status=status)
