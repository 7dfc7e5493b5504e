"""What happens in sessions, told to whoever listens: readers on this worker, and other workers over the bus."""

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

logger = logging.getLogger("aomi.hub")

# Sessions whose events may be asked for again with Last-Event-ID: those that were read last.
REPLAY_SESSIONS = 2_000
SESSIONS_A_MESSAGE = 1_000
# How long a reader that comes back waits for the worker that knows what it missed.
REPLAY_ANSWER_SECONDS = 0.3
NO_SESSION = uuid.UUID(int=0)


class Hub:
    """The worker's place where events come in and go out."""

    def __init__(self) -> None:
        self._bus: Bus | None = None
        self._subscriptions: dict[uuid.UUID, set[Subscription]] = defaultdict(set)
        self._handlers: list[Callable[[SessionEvent], None]] = []
        self._gap_handlers: list[Callable[[], None]] = []
        self._replay: LRUCache[uuid.UUID, ReplayLog] = LRUCache(REPLAY_SESSIONS)
        self._interests = RemoteInterests()
        # Sessions whose updates clients read, here by their number, and on other workers.
        self._streams: dict[uuid.UUID, int] = defaultdict(int)
        self._remote_streams = RemoteInterests()
        self._repeater: asyncio.Task[None] | None = None
        self._worker = ""
        self._numbers = itertools.count()

    async def start(self) -> None:
        """Take a name, which workers forked from one process must not share, and connect to the other workers."""
        self._worker = uuid.uuid4().hex[:8]
        self._bus = make_bus()
        await self._bus.start(self)
        repeating = forever("hub-interests", self._repeat_interests, every=REPEAT_SECONDS)
        self._repeater = asyncio.create_task(repeating, name="hub-interests")

    async def stop(self) -> None:
        """Say what is left to say, and end."""
        if self._repeater is not None:
            self._repeater.cancel()
        if self._bus is not None:
            await self._bus.stop()

    @property
    def is_deaf(self) -> bool:
        """Whether what other workers say fails to arrive here."""
        return self._bus is not None and self._bus.is_deaf

    def handle(self, handler: Callable[[SessionEvent], None], *, on_gap: Callable[[], None] | None = None) -> None:
        """Call this with every event of other workers, and the second when some may have been missed."""
        self._handlers.append(handler)
        if on_gap is not None:
            self._gap_handlers.append(on_gap)

    def has_readers(self, session_id: uuid.UUID) -> bool:
        """Whether anybody, here or on another worker, reads what happens in a session, or did a moment ago."""
        return session_id in self._replay or self._interests.wants(session_id)

    def has_stream(self, session_id: uuid.UUID) -> bool:
        """Whether a client reads the session's updates now, here or on another worker.

        One that has just opened them on another worker may be missed.
        """
        return session_id in self._streams or self._remote_streams.wants(session_id)

    def publish(self, session_id: uuid.UUID, app_id: int | None, type_: str, **data: Any) -> None:
        """Tell the session's readers, here and on other workers; what nobody reads is not sent.

        Args:
            session_id: where it happens.
            app_id: the App that the session belongs to; None while it is open.
            type_: what happens.
            data: more of it, JSON-serialisable.
        """
        if self.has_readers(session_id):
            event = self._event(session_id, app_id, type_, data)
            message = event.dump()
            self._deliver(event, len(message))
            if self._bus is not None and self._interests.wants(session_id):
                self._bus.publish(message)

    def tell_workers(self, session_id: uuid.UUID, type_: str, **data: Any) -> None:
        """Tell every other worker, and no reader; the type begins with an underscore."""
        if self._bus is not None:
            self._bus.publish(self._event(session_id, None, type_, data).dump())

    def subscribe(self, session_id: uuid.UUID, *, after: str | None = None, is_stream: bool = False) -> Subscription:
        """Return a subscription to a session's events, which the caller must end with `unsubscribe`.

        Args:
            session_id: need not exist yet.
            after: the id of the last event that the reader had; what came since is queued again, if this or
                another worker still knows it.
            is_stream: a client reads it, not a call that waits for something.
        """
        subscription = Subscription(is_stream=is_stream)
        log = self._replay.setdefault(session_id, ReplayLog())
        log.resume()
        if after is not None:
            missed = log.after(after)
            if missed is None:
                self._ask_what_came_after(after, session_id, subscription)
            else:
                subscription.release(missed)
        if is_stream:
            self._streams[session_id] += 1
        if session_id not in self._subscriptions or (is_stream and self._streams[session_id] == 1):
            self.tell_workers(session_id, "_wanted", is_stream=is_stream)
        self._subscriptions[session_id].add(subscription)
        EVENT_READERS.inc()
        return subscription

    def unsubscribe(self, session_id: uuid.UUID, subscription: Subscription) -> None:
        """End a subscription."""
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
            self.tell_workers(session_id, "_unread")

    def close_all(self) -> None:
        """End every subscription: the worker stops, and its readers shall go to another one."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.close()

    def on_message(self, message: bytes) -> None:
        """Take an event of another worker; one that cannot be used is dropped, and those after it are heard."""
        try:
            self._take(message)
        except Exception as error:
            logger.warning("a message on the bus was ignored: %s", location(error))
            LOOP_FAILURES.labels("bus-message").inc()

    def _take(self, message: bytes) -> None:
        event = SessionEvent.load(message)
        self._answer_worker(event)
        for handler in self._handlers:
            handler(event)
        self._deliver(event, len(message))

    def on_gap(self) -> None:
        """Send readers back to the state, since what they missed is nowhere else; learn anew who wants what."""
        self._replay.clear()
        self._remote_streams.clear()
        for handler in self._gap_handlers:
            handler()
        self.close_all()
        self.tell_workers(NO_SESSION, "_who")
        self._tell_interests()

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

    def _answer_worker(self, event: SessionEvent) -> None:
        worker = event.id.split("-")[1]
        match event.type:
            case "_wanted" | "_what_so_far":
                self._interests.add(worker, [event.session_id])
                if event.data.get("is_stream"):
                    self._remote_streams.add(worker, [event.session_id])
            case "_unread":
                self._remote_streams.remove(worker, event.session_id)
            case "_all_wanted":
                self._interests.add(worker, map(uuid.UUID, event.data["sessions"]))
                self._remote_streams.add(worker, map(uuid.UUID, event.data.get("streams", ())))
            case "_who":
                self._tell_interests()
            case "_replay":
                self._tell_what_came_after(event.data["after"], event.session_id)
            case "_replayed":
                self._take_what_came_after(event)

    def _ask_what_came_after(self, event_id: str, session_id: uuid.UUID, subscription: Subscription) -> None:
        """Ask the worker that the reader was connected to before; without an answer it reads on from here."""
        subscription.held_after = event_id
        asyncio.get_running_loop().call_later(REPLAY_ANSWER_SECONDS, subscription.release)
        self.tell_workers(session_id, "_replay", after=event_id)

    def _tell_what_came_after(self, event_id: str, session_id: uuid.UUID) -> None:
        log = self._replay.get(session_id)
        missed = log.after(event_id) if log is not None else None
        if missed is not None:
            events = [[event.id, event.app_id, event.type, event.data] for event in missed]
            self.tell_workers(session_id, "_replayed", after=event_id, events=events)

    def _take_what_came_after(self, event: SessionEvent) -> None:
        missed = [SessionEvent(id_, event.session_id, *rest) for id_, *rest in event.data["events"]]
        for subscription in self._subscriptions.get(event.session_id, ()):
            if subscription.held_after == event.data["after"]:
                subscription.release(missed)

    def _tell_interests(self) -> None:
        sessions = [str(session_id) for session_id in self._subscriptions]
        for at in range(0, len(sessions), SESSIONS_A_MESSAGE):
            some = sessions[at : at + SESSIONS_A_MESSAGE]
            streams = [session_id for session_id in some if uuid.UUID(session_id) in self._streams]
            self.tell_workers(NO_SESSION, "_all_wanted", sessions=some, streams=streams)

    async def _repeat_interests(self) -> None:
        self._tell_interests()
        self._interests.expire()
        self._remote_streams.expire()


hub = Hub()
