"""The interface of a bus, regardless of what carries its messages.

Postgres holds the truth; a message is only a hint. Messages may be lost while a connection is down, so a listener
reads Postgres again when the bus reports a gap.
"""

import asyncio
from typing import Protocol

OUTBOX_MAX_BYTES = 8 * 1024 * 1024


class BusListener(Protocol):
    """Receives what other workers publish."""

    def on_message(self, message: bytes) -> None:
        """Handle a message that another worker published."""

    def on_gap(self) -> None:
        """Recover after messages may have been missed: read the state again."""


class Bus(Protocol):
    """Carries messages between workers, at most once and in each sender's order.

    Attributes:
        is_deaf: whether messages of other workers do not arrive here.
    """

    is_deaf: bool

    async def start(self, listener: BusListener) -> None:
        """Start to listen; the bus reconnects automatically."""

    def publish(self, message: bytes) -> None:
        """Queue a message for every other worker; never blocks, and drops messages when it cannot keep up."""

    async def stop(self) -> None:
        """Try to send what is queued, then disconnect."""


class Outbox:
    """Messages to send, bounded by bytes; the sender takes all of them together."""

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
        """Wait for messages, then return and remove all of them."""
        await self._filled.wait()
        return self.take_now()

    def take_now(self) -> list[bytes]:
        """Return and remove all queued messages without waiting."""
        messages, self._messages, self._bytes = self._messages, [], 0
        self._filled.clear()
        return messages
