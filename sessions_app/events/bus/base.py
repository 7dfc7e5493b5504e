"""What a bus does, whatever carries it.

A bus is a hint, never the truth: messages may be lost while a connection is down. Whoever listens re-reads
Postgres when the bus says that it has missed something.
"""

import asyncio
from typing import Protocol

OUTBOX_MAX_BYTES = 8 * 1024 * 1024


class BusListener(Protocol):
    """Who hears the bus."""

    def on_message(self, message: bytes) -> None:
        """Take a message that another worker published."""

    def on_gap(self) -> None:
        """Messages may have been missed: re-read what matters."""


class Bus(Protocol):
    """Carries messages between workers, at most once and in each sender's order.

    Attributes:
        is_deaf: whether messages of other workers fail to arrive here.
    """

    is_deaf: bool

    async def start(self, listener: BusListener) -> None:
        """Begin to listen; the bus recovers from lost connections by itself."""

    def publish(self, message: bytes) -> None:
        """Send a message to every other worker, soon; never blocks, and drops messages when it cannot keep up."""

    async def stop(self) -> None:
        """Send what is left, if that is possible now, and end."""


class Outbox:
    """Messages on their way out, bounded by bytes; whoever sends takes all there are."""

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self._bytes = 0
        self._filled = asyncio.Event()

    def put(self, message: bytes) -> None:
        """Queue a message, unless the outbox is full."""
        if self._bytes + len(message) <= OUTBOX_MAX_BYTES:
            self._messages.append(message)
            self._bytes += len(message)
            self._filled.set()

    async def take(self) -> list[bytes]:
        """Wait for messages and return all there are."""
        await self._filled.wait()
        return self.take_now()

    def take_now(self) -> list[bytes]:
        """Return all messages there are, at once."""
        messages, self._messages, self._bytes = self._messages, [], 0
        self._filled.clear()
        return messages
