"""Events of sessions, and the bounded queues in which readers find them."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

# A reader that falls so far behind is let go; it re-reads the state and listens anew.
QUEUE_MAX_BYTES = 1024 * 1024
REPLAY_EVENTS = 200
REPLAY_MAX_BYTES = 256 * 1024
REPLAY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something that happened in a session.

    Attributes:
        id: grows with time on one worker; unique over all.
        app_id: the App that the session belongs to, by which readers are let in; None while it is open.
        type: what happened. A name with a leading underscore is for workers only.
    """

    id: str
    session_id: uuid.UUID
    app_id: int | None
    type: str
    data: dict[str, Any]

    def dump(self) -> bytes:
        """Return the event as it travels over the bus."""
        return orjson.dumps([self.id, self.session_id, self.app_id, self.type, self.data])

    @classmethod
    def load(cls, message: bytes) -> "SessionEvent":
        """Read what `dump` wrote; raises ValueError for anything else."""
        id_, session_id, app_id, type_, data = orjson.loads(message)
        return cls(id_, uuid.UUID(session_id), app_id, type_, data)


class ReplayLog:
    """A session's last events, for readers that come back soon after they lost their connection.

    Other workers go on sending for a while after the last reader has gone (sessions_app/events/interests.py); a log
    that is older than that would have gaps.
    """

    def __init__(self) -> None:
        self._events: list[tuple[SessionEvent, int]] = []
        self._bytes = 0
        self._abandoned_at: float | None = None

    def add(self, event: SessionEvent, size: int) -> None:
        """Note an event; the oldest ones go."""
        self._events.append((event, size))
        self._bytes += size
        while len(self._events) > REPLAY_EVENTS or self._bytes > REPLAY_MAX_BYTES:
            self._bytes -= self._events.pop(0)[1]

    def abandon(self) -> None:
        """Note that the last reader has gone."""
        self._abandoned_at = time.monotonic()

    def resume(self) -> None:
        """Note that there is a reader; after too long without one, begin anew."""
        if self._is_old():
            self._events.clear()
            self._bytes = 0
        self._abandoned_at = None

    def after(self, event_id: str) -> list[SessionEvent] | None:
        """Return what came after an event; None when that event is not known."""
        events = [] if self._is_old() else [event for event, _ in self._events]
        places = [number for number, event in enumerate(events, 1) if event.id == event_id]
        return events[places[0] :] if places else None

    def _is_old(self) -> bool:
        return self._abandoned_at is not None and time.monotonic() - self._abandoned_at > REPLAY_SECONDS


class Subscription:
    """One reader's queue, bounded by bytes. There may be thousands that are idle, so it holds little while it is."""

    __slots__ = ("_bytes", "_events", "_is_closed", "_waiter", "held_after", "is_stream", "on_overflow")

    def __init__(self, *, is_stream: bool = False) -> None:
        self.is_stream = is_stream  # a client reads it, not a call that waits for something
        # Whoever waits for a stalled reader to take something cannot see the end of the queue: it is told.
        self.on_overflow: Callable[[], object] = lambda: None
        self._events: list[tuple[SessionEvent, int]] = []
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False
        # The last event that the reader had, while another worker is asked what came after it.
        self.held_after: str | None = None

    def put(self, event: SessionEvent, size: int) -> None:
        """Queue an event; a queue that is full ends the subscription, and an ended one takes nothing."""
        if self._is_closed:
            return
        self._events.append((event, size))
        self._bytes += size
        if self._bytes > QUEUE_MAX_BYTES:
            self.close()
            self.on_overflow()
        self._wake()

    def release(self, missed: Sequence[SessionEvent] = ()) -> None:
        """Let the reader go on, with what it missed before what has been queued since."""
        queued = {event.id for event, _ in self._events}
        before = [(event, len(event.dump())) for event in missed if event.id not in queued]
        self._events = before + self._events
        self._bytes += sum(size for _, size in before)
        self.held_after = None
        self._wake()

    def close(self) -> None:
        """End the subscription; what is still queued is not read."""
        self._is_closed = True
        self._events.clear()
        self._wake()

    async def read(self, *, idle_seconds: float) -> AsyncGenerator[SessionEvent | None, None]:
        """Yield events until the subscription is closed; None after so many seconds without one."""
        while not self._is_closed:
            while self._events and self.held_after is None:
                event, size = self._events.pop(0)
                self._bytes -= size
                yield event
            if not self._is_closed and not await self._wait(idle_seconds):
                yield None

    async def _wait(self, seconds: float) -> bool:
        """Wait for a change; False when none comes."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        return loop.time() - began < seconds

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
