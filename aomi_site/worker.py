"""The gunicorn worker: uvicorn with long request lines and bounded headers."""

import asyncio
import os
import signal
import socket
import sys

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from aomi_site.serving.client_limits import LimitedHttpProtocol
from aomi_site.serving.upgrade_offers import DeclinesUpgrades
from apps_registry.support.descriptors import budget

NO_RELOAD = "A worker does not reload: it would run the same code. Restart the server instead."
# Clients send messages and calldata of 60,000 bytes in the query string, and nine bytes a letter of some
# scripts; what is longer than this is not worth reading to its end.
URL_MAX_BYTES = 1024 * 1024
HEADERS_MAX_BYTES = 64 * 1024
HEADERS_MAX_COUNT = 100


class RequestHeadTooLarge(Exception):
    """The request line or the headers are over the limit."""


class BoundedHttpProtocol(LimitedHttpProtocol):
    """uvicorn's httptools protocol takes request heads of any size; this one has limits."""

    _header_bytes = 0
    # Since the parser last reported something: it tells of a header, a trailer or a chunk's extension only when that
    # is complete, and copies what it has of it with each piece that comes, which kept the loop busy for seconds.
    _unreported_bytes = 0

    def has_room_for(self, data: bytes) -> bool:
        """Whether these bytes may be parsed; if not, the request is refused."""
        if self._unreported_bytes > HEADERS_MAX_BYTES:
            self.send_400_response("Something in the request does not end.")
            return False
        self._unreported_bytes += len(data)
        return True

    def on_message_begin(self) -> None:
        """Start a request head."""
        self._header_bytes = self._unreported_bytes = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unreported_bytes = 0
        super().on_body(body)

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request line."""
        self._unreported_bytes = 0
        if len(self.url) + len(url) > URL_MAX_BYTES:
            raise RequestHeadTooLarge
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._unreported_bytes = 0
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADERS_MAX_BYTES or len(self.headers) >= HEADERS_MAX_COUNT:
            raise RequestHeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on; the query string goes past httptools.parse_url, which counts in 16 bits."""
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query


class AomiHttpProtocol(DeclinesUpgrades, BoundedHttpProtocol):
    """What each connection speaks."""

    def data_received(self, data: bytes) -> None:
        """Take bytes, unless the connection is refused."""
        if self.takes_bytes() and self.has_room_for(data):
            super().data_received(data)


def _places() -> str:
    places = budget()
    return (
        f"{places.limit} open files allowed: {places.connections} connections, {places.streams} of them event streams, "
        f"and {places.outbound} to a model's provider"
    )


class AomiServer(Server):
    """uvicorn's server, which waits for open connections before it tells the application to stop.

    Streams never end by themselves and turns go on behind waiting calls, so the application hears it first.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, end the streams, let turns finish, and close."""
        from aomi_site.application import begin_shutdown  # noqa: PLC0415 - needs Django, which the arbiter does not set up

        begin_shutdown()
        await super().shutdown(sockets)


class AomiWorker(UvicornWorker):
    """Serves the ASGI application with the limits above; access lines come from aomi_site/application.py."""

    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": AomiHttpProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # uvicorn's own would trust loopback: aomi_site/serving/proxies.py decides
        "timeout_graceful_shutdown": 25,
    }

    async def callback_notify(self) -> None:
        """Tell the arbiter that we live; without one, stop: nobody else would, and the port stays taken."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self) -> None:
        """Serve with our server; otherwise what UvicornWorker does."""
        self.log.info(_places())
        self.config.app = self.wsgi
        server = AomiServer(config=self.config)
        # gunicorn passes an operator's Ctrl-C on as SIGQUIT; UvicornWorker's own handler does not stop the server.
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None)
        # One that ends here would be followed by one of the same code, loaded before the fork.
        loop.add_signal_handler(signal.SIGHUP, self.log.warning, NO_RELOAD)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
