"""A very cheap scripted model server on loopback: `python -m bench.model` prints its port and serves until killed."""

import asyncio
import sys
from typing import cast

import uvloop

from bench.load.wire import DELAY_MARK, model_chunks

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
# Every event is a separate HTTP chunk and a separate write, as from real servers.
PARTS = [b"%x\r\n%s\r\n" % (len(event), event) for event in model_chunks()]
MARK = DELAY_MARK.encode()


class ModelProtocol(asyncio.Protocol):
    """One connection; sends the same chunks for every request, after the delay that its prompt specifies."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with an empty buffer."""
        self._transport, self._buffer, self._wanted = cast(asyncio.Transport, transport), bytearray(), 0
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Respond once the request is complete."""
        self._buffer += data
        if not self._wanted and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            self._wanted = end + 4 + _content_length(bytes(self._buffer[:end]))
        if self._wanted and len(self._buffer) >= self._wanted:
            delay = _delay_seconds(self._buffer)
            self._buffer.clear()
            self._wanted = 0
            if delay:
                self._loop.call_later(delay, self._send, 0)
            else:
                self._send(0)

    def _send(self, number: int) -> None:
        if self._transport.is_closing():
            return
        if number == 0:
            self._transport.write(HEAD)
        if number == len(PARTS):
            self._transport.write(b"0\r\n\r\n")
        else:
            self._transport.write(PARTS[number])
            self._loop.call_soon(self._send, number + 1)


def _content_length(head: bytes) -> int:
    return next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))


def _delay_seconds(request: bytearray) -> float:
    start = request.rfind(MARK) + len(MARK)
    return int(request[start : request.index(b";", start)]) / 1000


async def serve() -> None:
    """Serve on an ephemeral port and print it."""
    server = await asyncio.get_running_loop().create_server(ModelProtocol, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
