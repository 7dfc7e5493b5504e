"""Follows a turn for a client that holds a connection: its events while it runs here, else its end."""

import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson

from chat.api.streams.guard import Opened, guard
from chat.api.streams.waiting import JOIN_SECONDS, until_idle
from chat.events import TextDelta, TurnEvent
from chat.turns.output.turn_listener import TurnListener
from chat.turns.running.running_turn import RunningTurn

# Proxies close connections that are silent for a minute.
KEEPALIVE_SECONDS = 15.0
KEEPALIVE = b": keepalive\n\n"


def sse(data: Mapping[str, Any], *, event_id: str | None = None) -> bytes:
    """Return one server-sent event: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    id_line = f"id: {event_id}\n".encode() if event_id else b""
    return id_line + b"data: " + orjson.dumps(data) + b"\n\n"


def listen(running: RunningTurn) -> TurnListener:
    """Return a listener of a turn's events from now on, beginning with the text so far."""
    listener = TurnListener()
    if text := running.partial_text:  # an earlier request has started the turn
        listener.tell(TextDelta(text))
    running.listeners.append(listener)
    return listener


async def events_of(
    running: RunningTurn, opened: Opened, listener: TurnListener | None = None
) -> AsyncGenerator[TurnEvent | None, None]:
    """Yield the turn's events until its result is stored; yield None after each KEEPALIVE_SECONDS of silence.

    Args:
        running: the turn.
        opened: the session and its reader.
        listener: a listener that has begun already; None: listen from now on.
    """
    listener = listener or listen(running)
    opened.on_refusal = listener.close
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


async def keepalives_until_idle(opened: Opened) -> AsyncGenerator[None, None]:
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
