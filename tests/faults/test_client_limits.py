"""Clients that occupy the server: requests that never end, and more connections than the process may open files."""

import contextlib
import json
import select
import socket
import time
from collections.abc import Callable, Iterator

import httpx2
import psutil
import pytest

from aomi_site.serving import client_limits
from tests.client import Client
from tests.product import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.thorough

SESSION = "550e8400-e29b-41d4-a716-4466554400"
HEAD = b"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-Id: 550e8400-e29b-41d4-a716-446655440000\r\n"
ADMIN_HEAD = b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
SLOW: dict[str, tuple[bytes, bytes]] = {  # what is sent first, and then at intervals
    "half a request line": (b"GET /livez", b""),
    "half a head": (HEAD, b""),
    "a head in drips": (HEAD, b"X-A: b\r\n"),
    "empty lines only": (b"\r\n", b"\r\n"),
    "half a body": (HEAD + BODY + b'{"message":', b""),
    "half a body of the admin": (ADMIN_HEAD + BODY + b"x", b""),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", b""),
}


@contextlib.contextmanager
def opened(server: Server, number: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 30)) for _ in range(number)]


def read_all(sock: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            data += piece
    return data


def status_of(sock: socket.socket, *, ends_with: bytes = b"") -> int:
    """Read an answer's head, and its body up to these last characters, if they are given."""
    data = b""
    while not (b"\r\n\r\n" in data and data.endswith(ends_with)) and (piece := sock.recv(65536)):
        data += piece
    return int(data.split(b" ", 2)[1]) if data else 0


def is_alive(server: Server) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return server.get("/livez", timeout=30).status_code == 200
    return False


def ask_updates(sock: socket.socket, number: int) -> None:
    sock.sendall(
        f"GET /api/updates HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-Id: {SESSION}{number:02x}\r\n\r\n".encode()
    )


def test_incomplete_requests_are_ended_with_408(server: Server) -> None:
    began = time.monotonic()
    with opened(server, len(SLOW)) as socks:
        for sock, (first, _) in zip(socks, SLOW.values(), strict=True):
            sock.settimeout(60)
            sock.sendall(first)
        for _ in range(4):
            time.sleep(2)
            for sock, (_, more) in zip(socks, SLOW.values(), strict=True):
                sock.sendall(more)
        answers = {name: read_all(sock) for name, sock in zip(SLOW, socks, strict=True)}
    assert time.monotonic() - began < 60
    for name, answer in answers.items():
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 "), (name, answer)
        assert b"connection: close" in head
        assert json.loads(body)["code"] == "request_timeout"


ENDLESS = {
    "a header's value": HEAD + b"X-A: ",
    "a header's name": HEAD,
    "a trailer": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ",
    "a chunk's extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;",
}


@pytest.mark.parametrize("first", ENDLESS.values(), ids=ENDLESS)
def test_endless_requests_are_refused_early(server: Server, first: bytes) -> None:
    sent = 0
    with opened(server, 1) as (sock,):
        sock.settimeout(60)
        with contextlib.suppress(ConnectionError):
            sock.sendall(first)
            while sent < 64 * 2**20:
                sock.sendall(b"a" * 2**16)
                sent += 2**16
    # A few megabytes were on their way: the contents of the sockets' buffers.
    assert sent < 32 * 2**20


def test_a_header_over_the_limit_is_refused_with_a_reason(server: Server) -> None:
    with opened(server, 1) as (sock,):
        sock.settimeout(60)
        sock.sendall(HEAD + b"X-A: ")
        for _ in range(200):
            if select.select([sock], [], [], 0.02)[0]:
                break
            sock.sendall(b"a" * 2_000)
        assert read_all(sock).startswith(b"HTTP/1.1 400 ")


def test_a_connection_that_sends_nothing_is_closed_without_an_answer(server: Server) -> None:
    with opened(server, 1) as (sock,):
        sock.settimeout(60)
        assert read_all(sock) == b""


def test_a_slow_body_is_accepted(server: Server) -> None:
    body = json.dumps({"message": "Hi"}).encode()
    head = HEAD + b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with opened(server, 1) as (sock,):
        sock.settimeout(60)
        sock.sendall(head)
        for letter in body:
            sock.sendall(bytes([letter]))
            time.sleep(client_limits.HEAD_SECONDS / len(body))
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_connections_are_kept_and_requests_may_be_pipelined(server: Server) -> None:
    livez = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with opened(server, 1) as (sock,):
        sock.sendall(livez * 5 + livez[:10])
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 5 or not data.endswith(b"}"):
            data += sock.recv(65536)
        time.sleep(client_limits.SWEEP_SECONDS * 2)
        sock.sendall(livez[10:])
        assert status_of(sock, ends_with=b"}") == 200
        time.sleep(client_limits.HEAD_SECONDS + 2)  # longer than a head may take, but shorter than a connection is kept
        sock.sendall(livez)
        assert status_of(sock) == 200


def test_streams_are_refused_before_descriptors_run_out(start: Callable[..., Server]) -> None:
    server = start(ulimit="-n 256")
    with opened(server, 300) as socks:
        accepted, refused, reset = 0, 0, 0
        for number, sock in enumerate(socks):
            try:
                ask_updates(sock, number % 100)
                status = status_of(sock)
            except ConnectionError:
                status = 0
            accepted += status == 200
            refused += status in {429, 503}  # one address may not have all of them
            reset += status == 0
        assert accepted >= 50
        assert refused >= 20
        assert accepted + refused + reset == 300
        # With all the streams still open:
        assert server.get("/livez").status_code == 200
        assert server.get("/readyz").status_code == 200
        assert server.get("/admin/login/", timeout=30).status_code == 200
        with Client(server.url) as client:
            assert client.chat("Hi")["status"] == "idle"
            answer = client.request("GET", "/api/updates")
            assert (answer.status_code, answer.json()["code"]) in {(503, "overloaded"), (429, "rate_limited")}
            assert int(answer.headers["Retry-After"]) > 0
    assert "256 open files allowed" in server.log

    def is_free() -> bool:
        with opened(server, 1) as (sock,):
            ask_updates(sock, 0)
            return status_of(sock) == 200

    wait_until(is_free)
    assert "Too many open files" not in server.log
    assert "Traceback" not in server.log


def test_idle_connections_are_closed_for_new_ones(start: Callable[..., Server]) -> None:
    server = start(ulimit="-n 256")
    with opened(server, 400):
        wait_until(lambda: is_alive(server))
        assert [server.get("/livez", timeout=30).status_code for _ in range(20)] == [200] * 20
        with Client(server.url) as client:
            assert client.chat("Hi")["status"] == "idle"
    assert "Traceback" not in server.log


def test_a_client_that_reads_nothing_loses_its_connection(start: Callable[..., Server]) -> None:
    server = start()
    (worker,) = psutil.Process(server.process.pid).children()
    path = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"

    def established() -> int:
        return len([one for one in worker.net_connections() if one.raddr and one.laddr.port == server.port])

    with opened(server, 3) as socks:
        for sock in socks:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 20)
        wait_until(lambda: established() >= 3)
        wait_until(lambda: established() == 0, seconds=180)


@pytest.mark.parametrize("ulimit", ["-Sn 256"])
def test_a_soft_limit_is_raised_at_start(start: Callable[..., Server], ulimit: str) -> None:
    server = start(ulimit=ulimit)
    assert " open files allowed: " in server.log
    assert "256 open files allowed: " not in server.log
