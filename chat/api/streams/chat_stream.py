"""Streams a turn as server-sent events to the client that started it."""

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from uuid import UUID

from chat.api.errors import code_and_sentence
from chat.api.streams.following import KEEPALIVE, events_of, keepalives_until_idle, sse
from chat.api.streams.guard import Opened
from chat.events import RoundEnded, TextDelta, ToolResult, TurnEvent
from chat.turns.running.running_turn import RunningTurn
from chat.wire.events import ChatEvent, CompleteEvent, ErrorEvent, TextEvent, ToolCallEvent, ToolResultEvent
from chat.wire.sessions import Snapshot
from sessions_app.store import store
from sessions_app.values import Session

Describe = Callable[[Session], Awaitable[Snapshot]]


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

    events = keepalives_until_idle(opened) if running is None else events_of(running, opened)
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
