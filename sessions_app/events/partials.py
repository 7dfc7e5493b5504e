"""Replies that stream in on other workers, as far as the bus has told of them."""

import asyncio
import sys
import uuid
from dataclasses import dataclass, field

from cachetools import LRUCache, TTLCache

from sessions_app.events.hub import hub
from sessions_app.events.subscriptions import SessionEvent

TOTAL_BYTES = 32 * 1024 * 1024
# Asked again after so long, before the owner forgets that we want to hear (sessions_app/events/interests.py).
FOLLOW_SECONDS = 30.0
FOLLOWED_MAX = 5_000
# How long an answer may keep a snapshot waiting; without one it shows what was stored last.
ANSWER_SECONDS = 0.1


@dataclass(slots=True)
class Partial:
    """What has arrived of a message.

    Attributes:
        message_id: the message that streams in.
        pieces: its text so far, without a gap.
    """

    message_id: uuid.UUID
    pieces: list[str] = field(default_factory=list)
    length: int = 0

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.pieces)


class RemotePartials:
    """Follows the replies that other workers stream, of the sessions that were asked for here lately.

    The owner answers a question with `_partial`, what it has announced so far, and from then on sends its deltas
    here, which continue that.
    """

    def __init__(self) -> None:
        self._partials: LRUCache[uuid.UUID, Partial] = LRUCache(
            TOTAL_BYTES, getsizeof=lambda partial: 500 + sys.getsizeof(partial.pieces) + partial.length
        )
        self._followed: TTLCache[uuid.UUID, bool] = TTLCache(FOLLOWED_MAX, ttl=FOLLOW_SECONDS)
        self._waiting: dict[uuid.UUID, asyncio.Event] = {}

    async def get(self, session_id: uuid.UUID) -> Partial | None:
        """Return what streams in in a session; None when its worker does not say, or nothing has come yet."""
        if session_id not in self._followed:
            await self._ask(session_id)
        return self._partials.get(session_id)

    def on_event(self, event: SessionEvent) -> None:
        """Take an event of another worker."""
        match event.type:
            case "message_delta":
                self._on_delta(event, event.data["offset"])
            case "_partial":
                self._partials.pop(event.session_id, None)
                self._on_delta(event, 0)
                if waiting := self._waiting.get(event.session_id):
                    waiting.set()
            case "status_changed" | "tool_update":
                self._partials.pop(event.session_id, None)

    def on_gap(self) -> None:
        """Forget what was heard: its continuation may have been missed."""
        self._partials.clear()
        self._followed.clear()

    async def _ask(self, session_id: uuid.UUID) -> None:
        self._followed[session_id] = True
        waiting = self._waiting.setdefault(session_id, asyncio.Event())
        hub.tell_workers(session_id, "_what_so_far")
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
            self._followed.pop(event.session_id, None)  # a delta was lost: ask again
        else:
            partial.pieces.append(delta)
            partial.length += len(delta)
            # Set anew, since the cache counts an entry's size only then; a text over the bound is not kept.
            if partial.length < TOTAL_BYTES // 4:
                self._partials[event.session_id] = partial


partials = RemotePartials()
