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
# Clients send messages and calldata of 60,000 bytes in the query string, with nine bytes per letter in some
# scripts; longer request lines are refused.
URL_MAX_BYTES = 1024 * 1024
HEADERS_MAX_BYTES = 64 * 1024
HEADERS_MAX_COUNT = 100


class RequestHeadTooLarge(Exception):
    """The request line or the headers exceed the limit."""


class BoundedHttpProtocol(LimitedHttpProtocol):
    """Adds limits to uvicorn's httptools protocol, which accepts request heads of any size."""

    _header_bytes = 0
    # Bytes since the parser's last callback. The parser reports a header, a trailer or a chunk extension only when it
    # is complete, and copies the incomplete part with each new piece, which kept the loop busy for seconds.
    _unreported_bytes = 0

    def has_room_for(self, data: bytes) -> bool:
        """Tell whether these bytes may be parsed; otherwise refuse the request."""
        if self._unreported_bytes > HEADERS_MAX_BYTES:
            self.send_400_response("A part of the request is too long.")
            return False
        self._unreported_bytes += len(data)
        return True

    def on_message_begin(self) -> None:
        self._header_bytes = self._unreported_bytes = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._unreported_bytes = 0
        super().on_body(body)

    def on_url(self, url: bytes) -> None:
        self._unreported_bytes = 0
        if len(self.url) + len(url) > URL_MAX_BYTES:
            raise RequestHeadTooLarge
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unreported_bytes = 0
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADERS_MAX_BYTES or len(self.headers) >= HEADERS_MAX_COUNT:
            raise RequestHeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on; the query string goes past httptools.parse_url, which counts in 16 bits."""
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query


class AomiHttpProtocol(DeclinesUpgrades, BoundedHttpProtocol):
    """The protocol of each connection, with all limits combined."""

    def data_received(self, data: bytes) -> None:
        """Process bytes, unless the connection is refused."""
        if self.takes_bytes() and self.has_room_for(data):
            super().data_received(data)


def _limits() -> str:
    limits = budget()
    return (
        f"{limits.limit} open files allowed: {limits.connections} connections, {limits.streams} of them event streams, "
        f"and {limits.outbound} to a model's provider"
    )


class AomiServer(Server):
    """uvicorn's server, changed to tell the application to stop before it waits for open connections.

    Streams do not end on their own, and turns outlive their calls, so the application must know first.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, end the streams, let turns finish, and close."""
        from aomi_site.application import begin_shutdown  # noqa: PLC0415 - needs Django, which the arbiter does not set up

        begin_shutdown()
        await super().shutdown(sockets)


class AomiWorker(UvicornWorker):
    """Serves the ASGI application with the limits above; aomi_site/application.py writes the access log."""

    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": AomiHttpProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # uvicorn's own handling trusts loopback; aomi_site/serving/proxies.py decides instead
        "timeout_graceful_shutdown": 25,
    }

    async def callback_notify(self) -> None:
        """Signal the arbiter; if it has ended, stop, because nothing else would, and the port would stay in use."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self) -> None:
        """Serve as UvicornWorker does, but with AomiServer."""
        self.log.info(_limits())
        self.config.app = self.wsgi
        server = AomiServer(config=self.config)
        # gunicorn forwards an operator's Ctrl-C as SIGQUIT; UvicornWorker's own handler does not stop the server.
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None)
        # A worker that ends here would be replaced by one with the same code, which was loaded before the fork.
        loop.add_signal_handler(signal.SIGHUP, self.log.warning, NO_RELOAD)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
