"""Streams a turn as server-sent events to the client that started it."""

import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from uuid import UUID

from chat.api.errors import code_and_sentence
from chat.api.guard import Opened, guard
from chat.api.updates import KEEPALIVE, KEEPALIVE_SECONDS, sse
from chat.api.waiting import until_idle
from chat.events import RoundEnded, TextDelta, ToolResult, TurnEvent
from chat.turns.running_turn import RunningTurn
from chat.turns.turn_listener import TurnListener
from chat.wire.events import ChatEvent, CompleteEvent, ErrorEvent, TextEvent, ToolCallEvent, ToolResultEvent
from chat.wire.sessions import Snapshot
from sessions_app.store import store
from sessions_app.values import Session

Describe = Callable[[Session], Awaitable[Snapshot]]
# The longest wait for a turn of another worker; the client may repeat its request afterwards.
JOIN_SECONDS = 300.0


async def turn_events(running: RunningTurn | None, opened: Opened, describe: Describe) -> AsyncGenerator[bytes, None]:
    """Yield the turn's events, and finally `complete` with the snapshot.

    Args:
        running: the turn, if it runs on this worker; for any other turn, only its end is streamed.
        opened: the session and its reader; a caller that loses access gets an error event instead of the rest.
        describe: makes a snapshot of the session.
    """
    session_id, numbers = opened.session_id, itertools.count(1)

    def write(event: ChatEvent) -> bytes:
        return sse(event, event_id=str(next(numbers)))

    events = _keepalives_until_idle(opened) if running is None else _events_of(running, opened)
    async with aclosing(events):
        async for event in events:
            if event is None:
                yield KEEPALIVE
            else:
                for chat_event in _chat_events(event, session_id):
                    yield write(chat_event)
    if opened.refusal is not None:
        code, sentence = code_and_sentence(opened.refusal)
        yield write(ErrorEvent(type="error", session_id=session_id, message=sentence, code=code))
        return
    if running is not None and running.failure is not None:
        failure = running.failure
        yield write(ErrorEvent(type="error", session_id=session_id, message=str(failure), code=failure.code))
    session = await store.load(session_id)
    if session is not None:
        yield write(CompleteEvent(type="complete", session_id=session_id, snapshot=await describe(session)))


async def _events_of(running: RunningTurn, opened: Opened) -> AsyncGenerator[TurnEvent | None, None]:
    """Yield the turn's events until its result is stored; yield None after each KEEPALIVE_SECONDS of silence."""
    listener = TurnListener()
    opened.on_refusal = listener.close
    if text := running.partial_text:  # an earlier request has started the turn
        listener.tell(TextDelta(text))
    running.listeners.append(listener)
    try:
        with guard.watching(opened):
            while running.task is not None and not (running.task.done() and listener.is_empty):
                try:
                    event = await listener.next_event(KEEPALIVE_SECONDS)
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                yield event
    finally:
        running.listeners.remove(listener)


async def _keepalives_until_idle(opened: Opened) -> AsyncGenerator[None, None]:
    """Yield None every KEEPALIVE_SECONDS until no turn runs in the session, for at most JOIN_SECONDS."""
    deadline = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < deadline:
        try:
            async with guard.cancelling(opened):
                if await until_idle(opened.session_id, KEEPALIVE_SECONDS):
                    return
        except Exception:
            if opened.refusal is None:
                raise
            return
        yield None


def _chat_events(event: TurnEvent, session_id: UUID) -> Iterator[ChatEvent]:
    """Yield the events that clients get for an engine event; questions to the user are in the snapshot."""
    match event:
        case TextDelta(text):
            yield TextEvent(type="text", session_id=session_id, content=text)
        case RoundEnded(tool_calls=calls):
            for call in calls:
                yield ToolCallEvent(
                    type="tool_call",
                    session_id=session_id,
                    name=call.name,
                    call_id=call.call_id,
                    args=call.arguments,
                )
        case ToolResult(call=call, result=result):
            yield ToolResultEvent(
                type="tool_result", session_id=session_id, call_id=call.call_id, name=call.name, result=result
            )
