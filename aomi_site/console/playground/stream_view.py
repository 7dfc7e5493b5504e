"""Runs the playground's turns in the same way as all other turns, and streams their steps.

The view is on the event loop, where turns run: on the admin's path it would hold one of its few threads.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from aomi_site.console.playground.access import Operator, PlaygroundRefusal, find_operator, may_try
from aomi_site.console.playground.request_body import PlaygroundRequest, answer_of, read_request
from aomi_site.console.playground.step_events import StepEvents
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

NO_SESSION = "This conversation of the playground was deleted. Start a new one."


async def playground_stream_view(request: HttpRequest, app_id: int) -> HttpResponseBase:
    """Start, continue or stop a turn of the playground; stream a running turn as server-sent events."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if refusal := csrf_refusal(request):
        return refusal
    login = login_of(request)
    try:
        sent = read_request(request.body)
        operator = await database.run_orm(find_operator, login, app_id, sent.channel, sent.after_turn)
        running = await _turn(operator, sent)
    except PlaygroundRefusal as failure:
        return _refuse(failure.status, str(failure))
    except Exception as error:
        code, sentence = code_and_sentence(error)
        if code == SERVER_FAILED.code:
            raise
        return _refuse(STATUS[code], sentence, code)
    if running is None:
        return JsonResponse({})
    # No event is missed: the turn's task cannot have run yet, because this coroutine has not awaited anything since.
    return EventStream[Any](_events(login, operator, running, listen(running)))


async def _turn(operator: Operator, sent: PlaygroundRequest) -> RunningTurn | None:
    """Carry out a request; return the turn that is running now, if any."""
    session = await _session(operator, sent.session_id) if sent.session_id else None
    if session is not None and sent.stop:
        await interrupt(session)
        return None
    if session is not None and sent.answer is not None:
        return await resume_turn(operator.caller, session.id, answer_of(sent, session.id))
    started = await start_turn(
        operator.caller,
        session.id if session else uuid4(),
        operator.slug,
        sent.message,
        wallet=sent.public_key,
        options=TurnOptions(model=sent.model, tools=sent.client_tools, history=operator.earlier),
    )
    return started.running


async def _session(operator: Operator, session_id: UUID) -> Session:
    """Return a session that an operator began with the App."""
    session = await store.load(session_id)
    if session is None or not session.is_operators or session.app_id not in operator.caller.app_ids:
        raise PlaygroundRefusal(404, NO_SESSION)
    return session


async def _events(
    login: str, operator: Operator, running: RunningTurn, listener: TurnListener
) -> AsyncGenerator[bytes, None]:
    steps, checked = StepEvents(running), time.monotonic()
    yield sse(steps.began())
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
                for data in steps.event(event):
                    yield sse(data)
    yield sse(steps.ended())


def _may_still_try(login: str) -> bool:
    user = operator_of(login)
    return user is not None and may_try(user)


def _refuse(status: int, sentence: str, code: str = "") -> HttpResponse:
    return JsonResponse({"error": sentence, "code": code}, status=status)
