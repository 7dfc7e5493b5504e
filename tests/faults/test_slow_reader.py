"""A client of /api/updates that does not read is disconnected, and costs neither memory nor other clients' time."""

import socket
from collections.abc import Callable

import psutil

from tests.client import Client
from tests.faults.conftest import Talk, assert_consistent
from tests.model_server import Reply, ScriptedModel, chunk
from tests.product import Server
from tests.sse import Updates

REPLY = 900_000  # characters; a reply is cut at a million
LIMIT = 25 * 1024 * 1024


def stalled(client: Client, server: Server) -> socket.socket:
    """A client that opens a stream and never reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    head = f"GET /api/updates HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-Id: {client.session_id}\r\n"
    sock.sendall(f"{head}AOMI-APP-KEY: {client.key}\r\n\r\n".encode())
    return sock


def drained(sock: socket.socket) -> bool:
    """Read what is left, and return whether the server has ended the stream."""
    sock.settimeout(2)
    with sock:
        try:
            while sock.recv(65536):
                pass
        except TimeoutError:
            return False
    return True


def memory(server: Server) -> int:
    """Return the memory of the workers, in bytes."""
    return sum(int(worker.memory_info().rss) for worker in psutil.Process(server.process.pid).children())


def long_turns(client: Client, model: ScriptedModel, number: int) -> None:
    """Make this many replies of REPLY characters; each session is deleted, since it is not measured."""
    piece = chunk({"content": "x" * (REPLY // 10)})
    for _ in range(number):
        model.will(Reply([*[piece] * 10, chunk({}, "stop")]))
        client.chat("Well?")
        client.poll()
        client.request("DELETE", f"/api/sessions/{client.session_id}")


def growth(server: Server, client: Client, model: ScriptedModel) -> int:
    """Return the growth of the workers' memory after 45 MB of replies, in bytes."""
    before = memory(server)
    long_turns(client, model, 50)
    return memory(server) - before


def test_a_stalled_stream_is_disconnected(patient: Callable[..., Server], talk: Talk, model: ScriptedModel) -> None:
    server = patient(workers=1)
    client, neighbour = talk.to(server), talk.to(server)
    readers = [stalled(client, server) for _ in range(5)]
    long_turns(client, model, 60)  # the buffer for readers that reconnect is full from here on
    # A buffer for stalled readers would grow with each round; garbage that is not collected yet does not.
    grown = min(growth(server, client, model) for _ in range(2))
    print(f"\n[measured] 5 stalled readers, 45 MB sent: memory grew by {grown / 2**20:.0f} MiB")  # noqa: T201
    with Updates(neighbour) as reader:
        neighbour.chat("Hi")
        reader.wait_for(lambda event: event.get("status") == "idle")
    assert_consistent([neighbour.session_id])
    ended = [drained(sock) for sock in readers]
    assert grown < LIMIT
    assert all(ended), "a reader that fell behind is still connected"
    assert "Traceback" not in server.log
