"""What the buses over a network share: a task that sends, one that listens and always comes back, one that tests."""

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

# Names the format too: a worker of another version does not hear what it would not understand.
CHANNEL = "aomi_bus_v1"
START_PATIENCE_SECONDS = 5.0
LIVENESS_SECONDS = 15.0
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
SEND_SECONDS = 15.0
# How often the bus says something to itself, and how long it listens for that before it calls itself deaf.
CHECK_SECONDS = 10.0
HEAR_SECONDS = 5.0


class BusDeafError(Exception):
    """The connection stands, but nothing arrives on it."""


class NetworkBus(ABC):
    """A bus whose connections may be lost at any moment, or carry nothing without saying so."""

    # What an operator can do about a deaf bus.
    advice = ""

    def __init__(self) -> None:
        self.sender = uuid.uuid4().hex[:12]
        self.echo_channel = f"{CHANNEL}_{self.sender}"
        self.is_deaf = True  # until a test proves otherwise
        self._has_said_deaf = False
        self._outbox = Outbox()
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = asyncio.Event()
        self._connected = asyncio.Event()
        self._pauses: Iterator[float] = iter((0.0,))

    async def start(self, listener: BusListener) -> None:
        """Listen and send in tasks of the worker; what it connects to may be away now and come back."""
        BUS_HEARS.labels(settings.BUS).set(0)
        self._pauses = itertools.chain((0.0,), _pauses())
        loops = {
            "bus-listen": forever("bus-listen", lambda: self._listen(listener), every=lambda: next(self._pauses)),
            "bus-send": forever("bus-send", self._send_next),
            "bus-check": forever("bus-check", self._check),
        }
        self._tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), START_PATIENCE_SECONDS)

    def publish(self, message: bytes) -> None:
        """Queue a message."""
        self._outbox.put(message)

    async def stop(self) -> None:
        """Send what is left and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await run_once("bus-send", lambda: self.send(self._outbox.take_now()))

    @abstractmethod
    async def send(self, messages: list[bytes]) -> None:
        """Send messages, perhaps none, in one round trip."""

    @abstractmethod
    async def send_echo(self) -> None:
        """Send something on `echo_channel`, the way that messages go."""

    @abstractmethod
    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Connect, call `connected`, and pass on what is heard until the connection is lost.

        Calls `heard_echo` for what arrives on `echo_channel`, and from time to time `must_hear`.
        """

    def heard_echo(self) -> None:
        """Note that what is sent arrives."""
        self._heard.set()
        if self.is_deaf:
            self.is_deaf = False
            BUS_HEARS.labels(settings.BUS).set(1)
            logger.info("the bus hears")

    def must_hear(self) -> None:
        """Give a connection up on which nothing arrives.

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
            self._pauses = _pauses()
            self._connected.set()
            listener.on_gap()  # listen first, then read: nothing falls between

        try:
            await self.listen(listener, connected)
        except Exception:
            self._note_deaf("its connection is lost")
            raise

    async def _check(self) -> None:
        """Test the bus once it is connected, and then from time to time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), CHECK_SECONDS)
        self._connected.clear()
        self._heard.clear()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send_echo()
            await asyncio.wait_for(self._heard.wait(), HEAR_SECONDS)
        except Exception as error:
            self._note_deaf("it does not hear itself")
            if not isinstance(error, TimeoutError):
                raise

    def _note_deaf(self, why: str) -> None:
        BUS_HEARS.labels(settings.BUS).set(0)
        if not self.is_deaf or not self._has_said_deaf:
            logger.error("the bus is deaf, events of other workers do not arrive: %s. %s", why, self.advice)
        self.is_deaf = self._has_said_deaf = True


def _pauses() -> Iterator[float]:
    return itertools.chain(RECONNECT_SECONDS, itertools.repeat(RECONNECT_SECONDS[-1]))
