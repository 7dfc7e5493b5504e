"""What the buses over a network share: a task that sends, a task that listens and always comes back."""

import asyncio
import contextlib
import itertools
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable

from sessions_app.bus.base import BusListener, Outbox

logger = logging.getLogger("aomi.bus")

# Names the format too: a worker of another version does not hear what it would not understand.
CHANNEL = "aomi_bus_v1"
START_PATIENCE_SECONDS = 5.0
LIVENESS_SECONDS = 15.0
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class NetworkBus(ABC):
    """A bus whose connections may be lost at any moment."""

    # What a lost connection raises.
    lost: tuple[type[Exception], ...] = (OSError,)

    def __init__(self) -> None:
        self.sender = uuid.uuid4().hex[:12]
        self._outbox = Outbox()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, listener: BusListener) -> None:
        """Listen and send in tasks of the worker; what it connects to may be away now and come back."""
        listening = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._listen_forever(listener, listening), name="bus-listen"),
            asyncio.create_task(self._send_forever(), name="bus-send"),
        ]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listening.wait(), START_PATIENCE_SECONDS)

    def publish(self, message: bytes) -> None:
        """Queue a message."""
        self._outbox.put(message)

    async def stop(self) -> None:
        """Send what is left and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*self.lost):
            await self.send(self._outbox.take_now())

    @abstractmethod
    async def send(self, messages: list[bytes]) -> None:
        """Send messages, perhaps none, in one round trip."""

    @abstractmethod
    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Connect, call `connected`, and pass on what is heard until the connection is lost."""

    async def _send_forever(self) -> None:
        while True:
            messages = await self._outbox.take()
            try:
                await self.send(messages)
            except self.lost as error:
                logger.warning("%d messages not sent: %s", len(messages), type(error).__name__)

    async def _listen_forever(self, listener: BusListener, listening: asyncio.Event) -> None:
        pauses = _pauses()

        def connected() -> None:
            nonlocal pauses
            pauses = _pauses()
            listening.set()
            listener.on_gap()  # listen first, then read: nothing falls between

        while True:
            try:
                await self.listen(listener, connected)
            except self.lost as error:
                logger.warning("the bus lost its connection: %s", type(error).__name__)
            await asyncio.sleep(next(pauses))


def _pauses() -> "itertools.chain[float]":
    return itertools.chain(RECONNECT_SECONDS, itertools.repeat(RECONNECT_SECONDS[-1]))
