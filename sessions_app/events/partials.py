"""Replies that other workers are streaming, as far as their events have arrived over the bus."""

import asyncio
import sys
import uuid
from dataclasses import dataclass, field

from cachetools import LRUCache, TTLCache

from sessions_app.events.hub import hub
from sessions_app.events.subscriptions import SessionEvent
from sessions_app.events.worker_messages import WorkerMessage

TOTAL_BYTES = 32 * 1024 * 1024
# Renewed after this time, before our interest expires on the owner's side (sessions_app/events/interests.py).
FOLLOW_SECONDS = 30.0
FOLLOWED_MAX = 5_000
# How long a snapshot waits for the owner's answer; without one it shows the text that was stored last.
ANSWER_SECONDS = 0.1


@dataclass(slots=True)
class Partial:
    """The part of a streaming message that has arrived.

    Attributes:
        message_id: the message.
        pieces: its text so far, without gaps.
    """

    message_id: uuid.UUID
    pieces: list[str] = field(default_factory=list)
    length: int = 0

    @property
    def text(self) -> str:
        """The text so far, joined."""
        return "".join(self.pieces)


class RemotePartials:
    """Follows replies that other workers stream, for sessions that clients of this worker read lately.

    The owner of a turn answers a request with the text that it has announced so far. From then on this worker also
    gets the owner's deltas, which continue that text.
    """

    def __init__(self) -> None:
        self._partials: LRUCache[uuid.UUID, Partial] = LRUCache(
            TOTAL_BYTES, getsizeof=lambda partial: 500 + sys.getsizeof(partial.pieces) + partial.length
        )
        self._followed: TTLCache[uuid.UUID, bool] = TTLCache(FOLLOWED_MAX, ttl=FOLLOW_SECONDS)
        self._waiting: dict[uuid.UUID, asyncio.Event] = {}

    async def get(self, session_id: uuid.UUID) -> Partial | None:
        """Return the session's streaming reply; None when its worker does not answer, or no text has arrived."""
        if session_id not in self._followed:
            await self._request_partial(session_id)
        return self._partials.get(session_id)

    def on_event(self, event: SessionEvent) -> None:
        """Handle an event of another worker."""
        match event.type:
            case "message_delta":
                self._on_delta(event, event.data["offset"])
            case WorkerMessage.PARTIAL:
                self._partials.pop(event.session_id, None)
                self._on_delta(event, 0)
                if waiting := self._waiting.get(event.session_id):
                    waiting.set()
            case "status_changed" | "tool_update":
                self._partials.pop(event.session_id, None)

    def on_gap(self) -> None:
        """Drop all partial replies: a delta of each may have been missed."""
        self._partials.clear()
        self._followed.clear()

    async def _request_partial(self, session_id: uuid.UUID) -> None:
        self._followed[session_id] = True
        waiting = self._waiting.setdefault(session_id, asyncio.Event())
        hub.tell_workers(session_id, WorkerMessage.REQUEST_PARTIAL)
        try:
            await asyncio.wait_for(waiting.wait(), ANSWER_SECONDS)
        except TimeoutError:
            return
        finally:
            self._waiting.pop(session_id, None)

    def _on_delta(self, event: SessionEvent, offset: int) -> None:
        message_id, delta = uuid.UUID(event.data["message_id"]), event.data["delta"]
        partial = self._partials.pop(event.session_id, None)
        if offset == 0:
            partial = Partial(message_id)
        if partial is None or partial.message_id != message_id or partial.length != offset:
            self._followed.pop(event.session_id, None)  # a delta was lost: request the text again
        else:
            partial.pieces.append(delta)
            partial.length += len(delta)
            # Insert it again: the cache measures an entry only on insertion. A text over the limit is not kept.
            if partial.length < TOTAL_BYTES // 4:
                self._partials[event.session_id] = partial


partials = RemotePartials()
