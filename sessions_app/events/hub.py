"""Publishes session events to the readers on this worker and, over the bus, to other workers."""

import asyncio
import itertools
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache

from apps_registry.support.error_location import location
from apps_registry.support.forever import forever
from apps_registry.support.metrics import EVENT_READERS, LOOP_FAILURES
from sessions_app.events.bus import make_bus
from sessions_app.events.bus.base import Bus
from sessions_app.events.interests import REPEAT_SECONDS, RemoteInterests
from sessions_app.events.subscriptions import ReplayLog, SessionEvent, Subscription
from sessions_app.events.worker_messages import WorkerMessage

logger = logging.getLogger("aomi.hub")

# Clients may ask for missed events with Last-Event-ID. Only the sessions that were read last keep theirs.
REPLAY_SESSIONS = 2_000
SESSIONS_PER_MESSAGE = 1_000
# How long a reader that reconnects waits for the worker that has the events it missed.
REPLAY_ANSWER_SECONDS = 0.3
NO_SESSION = uuid.UUID(int=0)


class Hub:
    """The event hub of one worker."""

    def __init__(self) -> None:
        self._bus: Bus | None = None
        self._subscriptions: dict[uuid.UUID, set[Subscription]] = defaultdict(set)
        self._handlers: list[Callable[[SessionEvent], None]] = []
        self._gap_handlers: list[Callable[[], None]] = []
        self._replay: LRUCache[uuid.UUID, ReplayLog] = LRUCache(REPLAY_SESSIONS)
        self._interests = RemoteInterests()
        # Sessions with open client streams: the number of streams on this worker, and which sessions on other workers.
        self._streams: dict[uuid.UUID, int] = defaultdict(int)
        self._remote_streams = RemoteInterests()
        self._repeater: asyncio.Task[None] | None = None
        self._worker = ""
        self._numbers = itertools.count()

    async def start(self) -> None:
        """Connect to the other workers."""
        self._worker = uuid.uuid4().hex[:8]  # made here, because forked workers must not share a name
        self._bus = make_bus()
        await self._bus.start(self)
        repeating = forever("hub-interests", self._repeat_interests, every=REPEAT_SECONDS)
        self._repeater = asyncio.create_task(repeating, name="hub-interests")

    async def stop(self) -> None:
        """Send what is queued, then disconnect."""
        if self._repeater is not None:
            self._repeater.cancel()
        if self._bus is not None:
            await self._bus.stop()

    @property
    def is_deaf(self) -> bool:
        """Whether messages of other workers do not arrive here."""
        return self._bus is not None and self._bus.is_deaf

    @property
    def reader_count(self) -> int:
        """How many streams and waiting calls read events here."""
        return sum(map(len, self._subscriptions.values()))

    def handle(self, handler: Callable[[SessionEvent], None], *, on_gap: Callable[[], None] | None = None) -> None:
        """Register a callback for every event of other workers, and one for when events may have been missed."""
        self._handlers.append(handler)
        if on_gap is not None:
            self._gap_handlers.append(on_gap)

    def has_readers(self, session_id: uuid.UUID) -> bool:
        """Whether the session has readers on any worker, or had some a moment ago."""
        return session_id in self._replay or self._interests.wants(session_id)

    def has_stream(self, session_id: uuid.UUID) -> bool:
        """Whether a client streams the session's updates, on any worker.

        A stream that was just opened on another worker may be missed.
        """
        return session_id in self._streams or self._remote_streams.wants(session_id)

    def publish(self, session_id: uuid.UUID, app_id: int | None, type_: str, **data: Any) -> None:
        """Send an event to the session's readers on all workers; without readers, send nothing.

        Args:
            session_id: the session.
            app_id: the App that the session belongs to; None while it has none.
            type_: the event's type.
            data: the event's data, JSON-serialisable.
        """
        if self.has_readers(session_id):
            event = self._event(session_id, app_id, type_, data)
            message = event.dump()
            self._deliver(event, len(message))
            if self._bus is not None and self._interests.wants(session_id):
                self._bus.publish(message)

    def tell_workers(self, session_id: uuid.UUID, kind: WorkerMessage, **data: Any) -> None:
        """Send a message to every other worker; readers do not get it."""
        if self._bus is not None:
            self._bus.publish(self._event(session_id, None, kind, data).dump())

    def subscribe(self, session_id: uuid.UUID, *, after: str | None = None, is_stream: bool = False) -> Subscription:
        """Return a subscription to a session's events, which the caller must end with `unsubscribe`.

        Args:
            session_id: the session, which need not exist yet.
            after: the id of the last event that the reader received; later events are queued again, if this or
                another worker still has them.
            is_stream: whether a client reads the subscription, rather than a request that waits for an event.
        """
        subscription = Subscription(is_stream=is_stream)
        log = self._replay.setdefault(session_id, ReplayLog())
        log.resume()
        if after is not None:
            missed = log.after(after)
            if missed is None:
                self._request_replay(after, session_id, subscription)
            else:
                subscription.release(missed)
        if is_stream:
            self._streams[session_id] += 1
        if session_id not in self._subscriptions or (is_stream and self._streams[session_id] == 1):
            self.tell_workers(session_id, WorkerMessage.READER_JOINED, is_stream=is_stream)
        self._subscriptions[session_id].add(subscription)
        EVENT_READERS.inc()
        return subscription

    def unsubscribe(self, session_id: uuid.UUID, subscription: Subscription) -> None:
        """End a subscription and tell other workers if it was the session's last stream here."""
        subscription.close()
        if subscription.is_stream:
            self._end_stream(session_id)
        self._subscriptions[session_id].discard(subscription)
        EVENT_READERS.dec()
        if not self._subscriptions[session_id]:
            del self._subscriptions[session_id]
            if log := self._replay.get(session_id):
                log.abandon()

    def _end_stream(self, session_id: uuid.UUID) -> None:
        self._streams[session_id] -= 1
        if not self._streams[session_id]:
            del self._streams[session_id]
            self.tell_workers(session_id, WorkerMessage.STREAM_ENDED)

    def close_all(self) -> None:
        """End every subscription, so that readers reconnect: to another worker, when this one stops."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.close()

    def on_message(self, message: bytes) -> None:
        """Handle a message of another worker; log and drop a malformed one, so that later ones still arrive."""
        try:
            self._handle_message(message)
        except Exception as error:
            logger.warning("a message on the bus was ignored: %s", location(error))
            LOOP_FAILURES.labels("bus-message").inc()

    def _handle_message(self, message: bytes) -> None:
        event = SessionEvent.load(message)
        self._handle_worker_message(event)
        for handler in self._handlers:
            handler(event)
        self._deliver(event, len(message))

    def on_gap(self) -> None:
        """Close all subscriptions, so that readers read the state again, and exchange interests again.

        Missed events are not stored, but the state reflects them.
        """
        self._replay.clear()
        self._remote_streams.clear()
        for handler in self._gap_handlers:
            handler()
        self.close_all()
        self.tell_workers(NO_SESSION, WorkerMessage.REQUEST_INTERESTS)
        self._send_interests()

    def _event(self, session_id: uuid.UUID, app_id: int | None, type_: str, data: dict[str, Any]) -> SessionEvent:
        event_id = f"{time.time_ns() // 1000:x}-{self._worker}-{next(self._numbers):x}"
        return SessionEvent(event_id, session_id, app_id, type_, data)

    def _deliver(self, event: SessionEvent, size: int) -> None:
        if event.type.startswith("_"):
            return
        if (log := self._replay.get(event.session_id)) is not None:
            log.add(event, size)
        for subscription in self._subscriptions.get(event.session_id, ()):
            subscription.put(event, size)

    def _handle_worker_message(self, event: SessionEvent) -> None:
        worker = event.id.split("-")[1]
        match event.type:
            case WorkerMessage.READER_JOINED | WorkerMessage.REQUEST_PARTIAL:
                self._interests.add(worker, [event.session_id])
                if event.data.get("is_stream"):
                    self._remote_streams.add(worker, [event.session_id])
            case WorkerMessage.STREAM_ENDED:
                self._remote_streams.remove(worker, event.session_id)
            case WorkerMessage.INTERESTS:
                self._interests.add(worker, map(uuid.UUID, event.data["sessions"]))
                self._remote_streams.add(worker, map(uuid.UUID, event.data.get("streams", ())))
            case WorkerMessage.REQUEST_INTERESTS:
                self._send_interests()
            case WorkerMessage.REQUEST_REPLAY:
                self._send_replay(event.data["after"], event.session_id)
            case WorkerMessage.REPLAY:
                self._receive_replay(event)

    def _request_replay(self, event_id: str, session_id: uuid.UUID, subscription: Subscription) -> None:
        """Ask the worker that the reader was connected to before; without a reply, the reader starts from here."""
        subscription.held_after = event_id
        asyncio.get_running_loop().call_later(REPLAY_ANSWER_SECONDS, subscription.release)
        self.tell_workers(session_id, WorkerMessage.REQUEST_REPLAY, after=event_id)

    def _send_replay(self, event_id: str, session_id: uuid.UUID) -> None:
        log = self._replay.get(session_id)
        missed = log.after(event_id) if log is not None else None
        if missed is not None:
            events = [[event.id, event.app_id, event.type, event.data] for event in missed]
            self.tell_workers(session_id, WorkerMessage.REPLAY, after=event_id, events=events)

    def _receive_replay(self, event: SessionEvent) -> None:
        missed = [SessionEvent(id_, event.session_id, *rest) for id_, *rest in event.data["events"]]
        for subscription in self._subscriptions.get(event.session_id, ()):
            if subscription.held_after == event.data["after"]:
                subscription.release(missed)

    def _send_interests(self) -> None:
        sessions = [str(session_id) for session_id in self._subscriptions]
        for start in range(0, len(sessions), SESSIONS_PER_MESSAGE):
            batch = sessions[start : start + SESSIONS_PER_MESSAGE]
            streams = [session_id for session_id in batch if uuid.UUID(session_id) in self._streams]
            self.tell_workers(NO_SESSION, WorkerMessage.INTERESTS, sessions=batch, streams=streams)

    async def _repeat_interests(self) -> None:
        self._send_interests()
        self._interests.expire()
        self._remote_streams.expire()


hub = Hub()
