"""What buses over a network share: a task that sends, one that listens and reconnects, and one that tests the bus."""

import asyncio
import contextlib
import itertools
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from django.conf import settings

from apps_registry.support.forever import forever, run_once
from apps_registry.support.metrics import BUS_HEARS
from sessions_app.events.bus.base import BusListener, Outbox

logger = logging.getLogger("aomi.bus")

# The version is that of the message format: workers of another format must not receive these messages.
CHANNEL = "aomi_bus_v1"
START_PATIENCE_SECONDS = 5.0
LIVENESS_SECONDS = 15.0
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
SEND_SECONDS = 15.0
# How often the bus sends itself an echo, and how long it waits for the echo before it counts as deaf.
CHECK_SECONDS = 10.0
ECHO_SECONDS = 5.0


class BusDeafError(Exception):
    """The connection is open, but nothing arrives on it."""


class NetworkBus(ABC):
    """A bus whose connections may break at any moment, or silently stop delivering."""

    # Tells the operator how to fix a deaf bus.
    advice = ""

    def __init__(self) -> None:
        self.sender = uuid.uuid4().hex[:12]
        self.echo_channel = f"{CHANNEL}_{self.sender}"
        self.is_deaf = True  # until a test proves otherwise
        self._has_logged_deaf = False
        self._outbox = Outbox()
        self._tasks: list[asyncio.Task[None]] = []
        self._echo_received = asyncio.Event()
        self._connected = asyncio.Event()
        self._delays: Iterator[float] = iter((0.0,))

    async def start(self, listener: BusListener) -> None:
        """Start the tasks that listen and send; the server need not be up yet."""
        BUS_HEARS.labels(settings.BUS).set(0)
        self._delays = itertools.chain((0.0,), _reconnect_delays())
        loops = {
            "bus-listen": forever("bus-listen", lambda: self._listen(listener), every=lambda: next(self._delays)),
            "bus-send": forever("bus-send", self._send_next),
            "bus-check": forever("bus-check", self._check),
        }
        self._tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._echo_received.wait(), START_PATIENCE_SECONDS)

    def publish(self, message: bytes) -> None:
        """Queue a message; a full outbox drops it."""
        self._outbox.put(message)

    async def stop(self) -> None:
        """Stop the tasks and try to send what is queued."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await run_once("bus-send", lambda: self.send(self._outbox.take_now()))

    @abstractmethod
    async def send(self, messages: list[bytes]) -> None:
        """Send messages in one round trip; the list may be empty."""

    @abstractmethod
    async def send_echo(self) -> None:
        """Send an echo on `echo_channel` along the path of ordinary messages."""

    @abstractmethod
    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Connect, call `connected`, and pass messages on until the connection is lost.

        Calls `on_echo` for what arrives on `echo_channel`, and `check_not_deaf` from time to time.
        """

    def on_echo(self) -> None:
        """Record that messages arrive."""
        self._echo_received.set()
        if self.is_deaf:
            self.is_deaf = False
            BUS_HEARS.labels(settings.BUS).set(1)
            logger.info("the bus works: events of other workers arrive")

    def check_not_deaf(self) -> None:
        """Raise an error, which makes the bus reconnect, if nothing arrives on the connection.

        Raises:
            BusDeafError: the last test found the bus deaf.
        """
        if self.is_deaf:
            raise BusDeafError

    async def _send_next(self) -> None:
        messages = await self._outbox.take()
        async with asyncio.timeout(SEND_SECONDS):
            await self.send(messages)

    async def _listen(self, listener: BusListener) -> None:
        def connected() -> None:
            self._delays = _reconnect_delays()
            self._connected.set()
            listener.on_gap()  # listen before reading the state, or an event between the two would be lost

        try:
            await self.listen(listener, connected)
        except Exception:
            self._note_deaf("its connection is lost")
            raise

    async def _check(self) -> None:
        """Send an echo and wait for it, as soon as the bus is connected and then at intervals."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), CHECK_SECONDS)
        self._connected.clear()
        self._echo_received.clear()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send_echo()
            await asyncio.wait_for(self._echo_received.wait(), ECHO_SECONDS)
        except Exception as error:
            self._note_deaf("a test message did not come back")
            if not isinstance(error, TimeoutError):
                raise

    def _note_deaf(self, reason: str) -> None:
        BUS_HEARS.labels(settings.BUS).set(0)
        if not self.is_deaf or not self._has_logged_deaf:
            logger.error("the bus is deaf, events of other workers do not arrive: %s. %s", reason, self.advice)
        self.is_deaf = self._has_logged_deaf = True


def _reconnect_delays() -> Iterator[float]:
    return itertools.chain(RECONNECT_SECONDS, itertools.repeat(RECONNECT_SECONDS[-1]))
