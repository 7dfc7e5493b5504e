"""A real HTTP server on loopback for tools to call: correct, slow, endless or wrong, as each test specifies."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        return json.loads(self.body)


Handle = Callable[["Handler", Received], None]


@dataclass
class Upstream:
    """The server; tests set its behaviour as `handle` and read requests from `received`."""

    handle: Handle
    received: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        upstream = self

        class OwnHandler(Handler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                request = Received(self.command, self.path, dict(self.headers), self.rfile.read(length))
                upstream.received.append(request)
                upstream.handle(self, request)

            # http.server requires these names.
            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), OwnHandler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients disconnect on purpose
        # By default it checks every half second whether to stop, which would dominate the time of a test.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="upstream", daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    """The request handler that a test's `handle` uses to respond."""

    def log_message(self, *_: object) -> None:
        """Suppress the log."""

    def reply(self, body: object = None, status: int = 200, **headers: str) -> None:
        """Send a response: bytes unchanged, text as text, everything else as JSON."""
        if isinstance(body, bytes):
            kind, data = "application/octet-stream", body
        elif isinstance(body, str):
            kind, data = "text/plain; charset=utf-8", body.encode()
        else:
            kind, data = "application/json", json.dumps(body).encode()
        self.send_response(status)
        header_values = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **header_values}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def redirect(self, location: str, status: int = 302) -> None:
        self.reply("", status, Location=location)

    def drip(self, seconds: float) -> None:
        """Send a byte every tenth of a second."""
        self.send_response(200)
        self.end_headers()
        for _ in range(int(seconds * 10)):
            self.wfile.write(b".")
            time.sleep(0.1)

    def flood(self) -> None:
        """Send without end."""
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65536)


def echo(handler: Handler, request: Received) -> None:
    """Respond with the received request."""
    body = request.body.decode()
    handler.reply({"method": request.method, "path": request.path, "headers": request.headers, "body": body})


def closed_port() -> int:
    """Return a port that no server listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
