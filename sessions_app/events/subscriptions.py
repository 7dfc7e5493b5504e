"""Session events, and the bounded queues from which readers take them."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

# The subscription of a reader that falls this far behind ends; the client reads the state and subscribes again.
QUEUE_MAX_BYTES = 1024 * 1024
REPLAY_EVENTS = 200
REPLAY_MAX_BYTES = 256 * 1024
REPLAY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something that happened in a session.

    Attributes:
        id: increases with time on one worker; unique across workers.
        app_id: the App that the session belongs to, which decides who may read; None while the session has no App.
        type: the event's type, or a WorkerMessage, which readers do not get.
    """

    id: str
    session_id: uuid.UUID
    app_id: int | None
    type: str
    data: dict[str, Any]

    def dump(self) -> bytes:
        """Serialise the event for the bus."""
        return orjson.dumps([self.id, self.session_id, self.app_id, self.type, self.data])

    @classmethod
    def load(cls, message: bytes) -> "SessionEvent":
        """Parse what `dump` returned; raises ValueError for anything else."""
        id_, session_id, app_id, type_, data = orjson.loads(message)
        return cls(id_, uuid.UUID(session_id), app_id, type_, data)


class ReplayLog:
    """A session's last events, for readers that reconnect soon after a lost connection.

    Other workers keep sending for a while after the last reader has left (sessions_app/events/interests.py). After
    that time the log would have gaps, so it counts as expired.
    """

    def __init__(self) -> None:
        self._events: list[tuple[SessionEvent, int]] = []
        self._bytes = 0
        self._abandoned_at: float | None = None

    def add(self, event: SessionEvent, size: int) -> None:
        """Append an event and drop the oldest ones over the limits."""
        self._events.append((event, size))
        self._bytes += size
        while len(self._events) > REPLAY_EVENTS or self._bytes > REPLAY_MAX_BYTES:
            self._bytes -= self._events.pop(0)[1]

    def abandon(self) -> None:
        """Record that the last reader has left."""
        self._abandoned_at = time.monotonic()

    def resume(self) -> None:
        """Record that there is a reader; empty a log that had none for too long."""
        if self._is_expired():
            self._events.clear()
            self._bytes = 0
        self._abandoned_at = None

    def after(self, event_id: str) -> list[SessionEvent] | None:
        """Return the events after the one with this id; None when the log does not have that one."""
        events = [] if self._is_expired() else [event for event, _ in self._events]
        indexes = [index for index, event in enumerate(events) if event.id == event_id]
        return events[indexes[0] + 1 :] if indexes else None

    def _is_expired(self) -> bool:
        return self._abandoned_at is not None and time.monotonic() - self._abandoned_at > REPLAY_SECONDS


class Subscription:
    """One reader's queue, bounded by bytes. A worker may have thousands of idle ones, so an idle one stays small."""

    __slots__ = ("_bytes", "_events", "_is_closed", "_waiter", "held_after", "is_stream", "on_overflow")

    def __init__(self, *, is_stream: bool = False) -> None:
        self.is_stream = is_stream  # a client reads it, rather than a request that waits for an event
        # Code that waits on a stalled client does not read the queue, so it cannot see that the queue has ended.
        self.on_overflow: Callable[[], object] = lambda: None
        self._events: list[tuple[SessionEvent, int]] = []
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False
        # The last event that the reader received, while we wait for another worker to replay the later ones.
        self.held_after: str | None = None

    def put(self, event: SessionEvent, size: int) -> None:
        """Queue an event; a full queue ends the subscription, and an ended subscription ignores events."""
        if self._is_closed:
            return
        self._events.append((event, size))
        self._bytes += size
        if self._bytes > QUEUE_MAX_BYTES:
            self.close()
            self.on_overflow()
        self._wake()

    def release(self, missed: Sequence[SessionEvent] = ()) -> None:
        """Let a held reader continue, with the events it missed ahead of those queued since."""
        queued_ids = {event.id for event, _ in self._events}
        replayed = [(event, len(event.dump())) for event in missed if event.id not in queued_ids]
        self._events = replayed + self._events
        self._bytes += sum(size for _, size in replayed)
        self.held_after = None
        self._wake()

    def close(self) -> None:
        """End the subscription and drop queued events."""
        self._is_closed = True
        self._events.clear()
        self._wake()

    async def read(self, *, idle_seconds: float) -> AsyncGenerator[SessionEvent | None, None]:
        """Yield events until the subscription is closed; yield None after `idle_seconds` without one."""
        while not self._is_closed:
            while self._events and self.held_after is None:
                event, size = self._events.pop(0)
                self._bytes -= size
                yield event
            if not self._is_closed and not await self._wait(idle_seconds):
                yield None

    async def _wait(self, seconds: float) -> bool:
        """Wait for a change; return False on timeout."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        return loop.time() - started < seconds

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
