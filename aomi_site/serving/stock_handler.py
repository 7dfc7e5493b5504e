"""The admin's ASGI path: Django's own handler, on a bounded number of reused threads.

Django would start a thread for every request, and a thread never closes its database connection: a few dozen
requests with made-up cookies used up Postgres's connections. Here a request borrows one of ADMIN_THREADS lanes. A lane
is a thread with at most one connection; further requests wait for a lane or get 503.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.db import close_old_connections, connections
from django.http import HttpResponse

from aomi_site.serving.api_handler import BodyTooLarge, in_time
from aomi_site.serving.body_length import AnyLengthHandler
from aomi_site.serving.responses import Receive, Scope, Send

# The maximum number of requests that wait for a lane, and the maximum wait in seconds.
QUEUE_MAX = 64
WAIT_SECONDS = 10.0
# A lane that has been idle for this long closes its connection.
IDLE_SECONDS = 60.0
# Bytes: room for several documents, or an archive, in one form.
BODY_MAX_BYTES = 100 * 1024 * 1024


class LanesBusy(Exception):
    """No lane became free in time, or too many requests wait for one."""


class _Lane:
    """One thread and its idle timer."""

    def __init__(self, number: int) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"admin-{number}")
        self.idle_timer: asyncio.TimerHandle | None = None

    def use(self) -> None:
        """Keep the connection open."""
        if self.idle_timer is not None:
            self.idle_timer.cancel()

    def rest(self) -> None:
        """Close the connection, unless the lane is used again soon."""
        loop = asyncio.get_running_loop()
        self.idle_timer = loop.call_later(IDLE_SECONDS, self.thread.submit, connections.close_all)


class Lanes:
    """The threads of one worker that run Django's synchronous code."""

    def __init__(self, number: int) -> None:
        """Create `number` lanes; their threads start on first use."""
        self._free = [_Lane(index) for index in range(number)]
        self._turns = asyncio.Semaphore(number)
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def borrowed(self) -> AsyncIterator[None]:
        """Run all synchronous calls inside the `with` block in one thread.

        Raises:
            LanesBusy: none is available.
        """
        await self._acquire()
        lane = self._free.pop()  # the most recently used one, so that the others close their connections
        lane.use()
        try:
            async with ThreadSensitiveContext(executor=lane.thread):
                yield
        finally:
            # A call of a cancelled request may still be running, so the lane is free only once the thread runs this.
            loop = asyncio.get_running_loop()

            def release() -> None:
                try:
                    close_old_connections()
                finally:
                    with contextlib.suppress(RuntimeError):  # the worker has stopped
                        loop.call_soon_threadsafe(self._release, lane)

            lane.thread.submit(release)

    async def _acquire(self) -> None:
        if self._turns.locked() and self._waiting >= QUEUE_MAX:
            raise LanesBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise LanesBusy from None
        finally:
            self._waiting -= 1

    def _release(self, lane: _Lane) -> None:
        lane.rest()
        self._free.append(lane)
        self._turns.release()


class StockHandler(AnyLengthHandler):
    """Django's handler, which borrows a lane for each request."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes = Lanes(settings.ADMIN_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request; its body is read first, so that a slow sender holds no lane."""
        try:
            body = await super().read_body(_bounded(receive))
        except RequestAborted:
            return
        except BodyTooLarge:
            await self.send_response(HttpResponse(status=413), send)
            return
        with body, contextlib.suppress(TimeoutError):  # a client that reads nothing for that long is disconnected
            try:
                async with self._lanes.borrowed():
                    await self.handle(dict(scope), _Received(body, receive), in_time(send))
            except LanesBusy:
                await self.send_response(busy(), in_time(send))

    async def read_body(self, receive: Any) -> IO[bytes]:
        """Return the body, which was read before."""
        body: IO[bytes] = receive.body
        return body


class _Received:
    """The remaining message of a request whose body was read: the client's disconnect."""

    def __init__(self, body: IO[bytes], receive: Receive) -> None:
        self.body, self._receive = body, receive

    async def __call__(self) -> Mapping[str, Any]:
        return await self._receive()


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that raises BodyTooLarge once the body exceeds BODY_MAX_BYTES."""
    length = 0

    async def receive_bounded() -> Mapping[str, Any]:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > BODY_MAX_BYTES:
            raise BodyTooLarge
        return message

    return receive_bounded


def busy() -> HttpResponse:
    """Return the console's response to a request that gets no lane."""
    sentence = "The console is busy; try again in a few seconds."
    return HttpResponse(sentence, status=503, content_type="text/plain", headers={"Retry-After": "5"})
