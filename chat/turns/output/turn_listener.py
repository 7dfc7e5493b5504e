"""The bounded queue through which one client streams a turn."""

import asyncio
import sys

from chat.events import RoundEnded, TextDelta, ToolResult, TurnEvent

# A client that falls this far behind gets only the end of the turn, with a snapshot that contains everything.
QUEUE_MAX_BYTES = 1024 * 1024


class TurnListener:
    """One client's queue, bounded by bytes."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[TurnEvent | None, int]] = asyncio.Queue()
        self._bytes = 0
        self._has_overflowed = False

    def tell(self, event: TurnEvent | None) -> None:
        """Queue an event; None means that the turn has ended and is stored."""
        size = _size(event)
        self._bytes += size
        if self._bytes > QUEUE_MAX_BYTES:
            self._has_overflowed = True
            while not self._queue.empty():
                self._queue.get_nowait()
        if event is None or not self._has_overflowed:
            self._queue.put_nowait((event, size))

    def close(self) -> None:
        """End the stream now and drop queued events."""
        self._has_overflowed = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait((None, 0))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is queued."""
        return self._queue.empty()

    async def next_event(self, seconds: float) -> TurnEvent | None:
        """Return the next event, or None at the end; raises TimeoutError after `seconds` without one."""
        event, size = await asyncio.wait_for(self._queue.get(), seconds)
        self._bytes -= size
        return event


def _size(event: TurnEvent | None) -> int:
    match event:
        case TextDelta(text):
            return sys.getsizeof(text)
        case RoundEnded(tool_calls=calls):
            return sum(sys.getsizeof(call.arguments) for call in calls)
        case ToolResult(result=result):
            return sys.getsizeof(result)
    return 0
