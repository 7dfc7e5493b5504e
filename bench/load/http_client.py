"""A cheap HTTP/1.1 client connection: one request at a time, with keep-alive."""

import asyncio
import time
from typing import cast


class Connection(asyncio.Protocol):
    """Sends prepared requests and returns complete responses, or bytes as they arrive."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_at = 0
        self._length: int | None = None
        self._waiter: asyncio.Future[float] | None = None
        self._until = b""

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to a port on loopback."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def request(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body of the complete response.

        Raises:
            ConnectionError: the server closed the connection.
        """
        await self.send(request, until=b"")
        return int(self._buffer[9:12]), bytes(self._buffer[self._body_at :])

    async def send(self, request: bytes, *, until: bytes) -> float:
        """Send a request; return the clock time at which `until` arrived in the body."""
        self._buffer.clear()
        self._body_at, self._length, self._until = 0, None, until
        self._transport.write(request)
        return await self._wait()

    async def rest(self) -> tuple[int, bytes]:
        """Return the response to `send` once it is complete."""
        self._until = b""
        if not self._is_whole():
            await self._wait()
        return int(self._buffer[9:12]), bytes(self._buffer[self._body_at :])

    @property
    def status(self) -> int:
        """The status of the response that has begun."""
        return int(self._buffer[9:12])

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Buffer bytes, and wake the reader that waits for them."""
        self._buffer += data
        if not self._body_at:
            self._read_head()
        is_there = self._until in self._buffer[self._body_at :] if self._until else self._is_whole()
        if self._body_at and is_there and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the waiting reader."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionError("the server closed the connection"))

    def _wait(self) -> asyncio.Future[float]:
        self._waiter = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self.connection_lost(None)
        return self._waiter

    def _read_head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        self._body_at = end + 4
        for line in bytes(self._buffer[:end]).lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                self._length = int(line[15:])

    def _is_whole(self) -> bool:
        if not self._body_at:
            return False
        if self._length is not None:
            return len(self._buffer) >= self._body_at + self._length
        return self._buffer.endswith(b"0\r\n\r\n")
