"""Streams the answer to a tool call: what the turn does, as progress, and in the end the result."""

import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from chat.api.streams.following import KEEPALIVE, events_of, keepalives_until_idle, sse
from chat.api.streams.guard import Opened
from chat.doors.mcp.calls import BegunCall
from chat.doors.mcp.cancelling import stop
from chat.doors.mcp.messages import RpcMessage
from chat.doors.mcp.protocol import progress_message, result_message
from chat.events import RoundEnded, TextDelta, ToolResult, TurnEvent

WORKING = "Working"
# Clients wait longer for a request of which they hear.
TEXT_PROGRESS_SECONDS = 1.0


async def call_stream(
    message: RpcMessage,
    begun: BegunCall,
    opened: Opened,
    result: Callable[[], Awaitable[dict[str, Any]]],
) -> AsyncGenerator[bytes, None]:
    """Yield notifications of progress, if the client asks for them, and the response.

    Args:
        message: the request.
        begun: its turn.
        opened: the session and its reader, who may lose access.
        result: returns the result once the turn has ended or waits; it must not raise.
    """
    has_ended = False
    try:
        async with aclosing(_progress(message, begun, opened)) as pieces:
            async for piece in pieces:
                yield piece
        has_ended = True
        yield sse(result_message(message.id, await result()))
    finally:
        # An older client that closes its connection has not cancelled anything.
        if not has_ended and message.is_stateless:
            stop(begun)


async def _progress(message: RpcMessage, begun: BegunCall, opened: Opened) -> AsyncGenerator[bytes, None]:
    """Yield a comment or a notification in silence, and a notification when something happens."""
    numbers, spoke_at, token = itertools.count(1), 0.0, message.progress_token
    events: AsyncGenerator[TurnEvent | None, None] | AsyncGenerator[None, None]
    events = keepalives_until_idle(opened) if begun.running is None else events_of(begun.running, opened)
    async with aclosing(events) as following:
        async for event in following:
            text = _words(event)
            if event is None:
                yield KEEPALIVE
            if token is None or text is None:
                continue
            if isinstance(event, TextDelta) and time.monotonic() - spoke_at < TEXT_PROGRESS_SECONDS:
                continue
            spoke_at = time.monotonic()
            yield sse(progress_message(token, next(numbers), text))


def _words(event: TurnEvent | None) -> str | None:
    """Return what to say about an event; None: nothing."""
    match event:
        case None:
            return WORKING
        case TextDelta():
            return "Answering"
        case RoundEnded(tool_calls=calls) if calls:
            return f"Calling {', '.join(call.name for call in calls)}"
        case ToolResult(call=call):
            return f"{call.name} has answered"
    return None
