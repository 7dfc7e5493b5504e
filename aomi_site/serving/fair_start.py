"""Decides when calls start: those with a valid key at once, all others one per turn of the event loop, by address.

The loop runs its callbacks in order of arrival, so dozens of a flood's calls would run before each call with a valid
key. Here at most one does, because the others wait outside the loop's queue, where addresses take turns. They also wait
while their statements use their part of the pool of connections to PostgreSQL. In an idle worker, no call waits. This
module refuses no calls: connections are limited elsewhere.
"""

import asyncio
from collections import deque

from apps_registry.support import database

HOLDERS_MAX = 10_000
# How often to look whether a connection to PostgreSQL is free, in seconds.
LOOK_SECONDS = 0.001


class KnownHolders:
    """The key headers with which calls of this worker have passed.

    It contains hashes of 64 bits, keyed with a secret of the process. They only give precedence: every call is still
    checked.
    """

    def __init__(self) -> None:
        self._hashes: dict[int, None] = {}

    def knows(self, header: bytes) -> bool:
        """Tell whether the last call with this value in a key header had a valid key or browser token."""
        return hash(header) in self._hashes

    def note(self, header: bytes, *, is_holder: bool) -> None:
        """Record whether the key or token of a call was valid."""
        if not is_holder:
            self._hashes.pop(hash(header), None)
        elif not self.knows(header):
            if len(self._hashes) >= HOLDERS_MAX:
                del self._hashes[next(iter(self._hashes))]  # the oldest one; its next call adds it again
            self._hashes[hash(header)] = None


class FairStart:
    """The calls of one worker that wait for their start, by address."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._is_busy = False

    async def turn(self, address: str) -> None:
        """Wait until a call from an address may start."""
        loop = asyncio.get_running_loop()
        if not self._is_busy and not database.is_full_for_some():
            self._is_busy = True
            loop.call_soon(self._begin_turn, loop)
            return
        start = loop.create_future()
        self._waiting.setdefault(address, deque()).append(start)
        if not self._is_busy:
            self._is_busy = True
            loop.call_later(LOOK_SECONDS, self._begin_turn, loop)
        await start

    def _begin_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the next call, in the next turn of the loop."""
        if self._waiting and database.is_full_for_some():
            loop.call_later(LOOK_SECONDS, self._begin_turn, loop)
            return
        while self._waiting:
            start = self._next()
            if not start.done():  # the server may have cancelled it
                start.set_result(None)
                loop.call_soon(self._begin_turn, loop)
                return
        self._is_busy = False

    def _next(self) -> asyncio.Future[None]:
        """Remove and return the oldest call of the next address, which then becomes the last one."""
        address = next(iter(self._waiting))
        starts = self._waiting.pop(address)
        start = starts.popleft()
        if starts:
            self._waiting[address] = starts
        return start


holders = KnownHolders()
fair_start = FairStart()
