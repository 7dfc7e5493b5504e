"""Models whose stream breaks off, and clients that disconnect."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import pytest

from sessions_app.models import Turn
from tests.client import Client, texts
from tests.faults.conftest import Talk, assert_consistent, report
from tests.model_server import Reply, ScriptedModel, chunk, says
from tests.patience import scaled
from tests.product import Server
from tests.sse import Updates

pytestmark = pytest.mark.thorough


def ask(client: Client, server: Server, *, accept: str) -> socket.socket:
    """Send a chat message and leave the answer unread."""
    sock = socket.create_connection(("127.0.0.1", server.port))
    head = f"POST /api/chat?message=Well%3F&app={client.app} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
    own = f"X-Session-Id: {client.session_id}\r\nAOMI-APP-KEY: {client.key}\r\nAccept: {accept}\r\n\r\n"
    sock.sendall((head + own).encode())
    return sock


def test_half_open_model_streams_end_as_failures(
    start: Callable[..., Server], talk: Talk, model: ScriptedModel
) -> None:
    """The connection stays open but silent: the gap limit ends the turn, and the next one is accepted."""
    server = start(workers=4)
    clients = [talk.to(server) for _ in range(8)]
    for client in clients:
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        client.chat("Well?")
    for client in clients:
        snapshot = client.poll()
        assert (snapshot["status"], texts(snapshot)) == ("idle", [("user", "Well?")])
    deadline = time.monotonic() + scaled(5)
    while model.server.disconnects[model.model_id] < len(clients):
        assert time.monotonic() < deadline, "connections to the model stay open"
        time.sleep(0.05)
    for client in clients:
        client.chat("Next")
        assert texts(client.poll())[1:] == [("user", "Next"), ("agent", "Hello.")]
    assert_consistent([c.session_id for c in clients], accepted={c.session_id: ["Well?", "Next"] for c in clients})
    assert "Traceback" not in server.log


def test_clients_that_disconnect_during_a_turn_find_their_replies(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel
) -> None:
    """Waiting calls and streams, cut off on four workers."""
    server = patient()
    talk.app.reply_wait_seconds = 30
    talk.app.save()
    clients = [talk.to(server) for _ in range(12)]
    model.will(*(says(*["text "] * 8, pause=0.4) for _ in clients))

    sockets = [ask(client, server, accept="text/event-stream" if n % 2 else "*/*") for n, client in enumerate(clients)]
    deadline = time.monotonic() + scaled(10)
    while Turn.objects.filter(session_id__in=[client.uuid for client in clients]).count() < len(clients):
        assert time.monotonic() < deadline, "not all messages were accepted"
        time.sleep(0.05)
    for sock in sockets:
        sock.close()
    for client in clients:
        assert texts(client.poll()) == [("user", "Well?"), ("agent", "text " * 8)]
    assert model.server.disconnects[model.model_id] == 0
    assert_consistent([c.session_id for c in clients], accepted={c.session_id: ["Well?"] for c in clients})
    assert "Traceback" not in server.log


def test_an_interrupt_reaches_the_turn_on_another_worker(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel
) -> None:
    """Twenty turns are stopped by whichever workers get the calls, and each model connection is closed."""
    server = patient()
    answered, closed, clients = [], [], []
    for _ in range(20):
        client = talk.to(server)
        clients.append(client)
        model.will(Reply([chunk({"content": "As I was"})], then="hang"))
        client.chat("Well?")
        while len(client.state()["messages"]) < 2:
            time.sleep(0.01)
        before = model.server.disconnects[model.model_id]
        began = time.monotonic()
        answer = client.request("POST", "/api/interrupt")
        answered.append(time.monotonic() - began)
        while model.server.disconnects[model.model_id] == before:
            assert time.monotonic() < began + 5
            time.sleep(0.002)
        closed.append(time.monotonic() - began)
        assert texts(answer.json()) == [("user", "Well?"), ("agent", "As I was")]
    report("interrupt, until answered", answered)
    report("interrupt, until the model connection is closed", closed)
    assert_consistent([c.session_id for c in clients], accepted={c.session_id: ["Well?"] for c in clients})


def test_text_reaches_other_workers(patient: Callable[..., Server], talk: Talk, model: ScriptedModel) -> None:
    """Measures how soon a piece of text is in /api/state and on /api/updates, whichever worker is asked."""
    server = patient()
    client = talk.to(server)
    steps = [threading.Event() for _ in range(20)]
    parts = [part for n, step in enumerate(steps) for part in (step, chunk({"content": f"<{n}>"}))]
    model.will(Reply([*parts, chunk({}, "stop")]))
    heard, seen = [], []
    readers = [Updates(client) for _ in range(4)]
    with contextlib.ExitStack() as stack:
        for reader in readers:
            stack.enter_context(reader)
        client.chat("Well?")
        for _ in range(12):
            client.state()  # every worker has been asked once
        for number, step in enumerate(steps):
            piece, began = f"<{number}>", time.monotonic()
            step.set()
            for reader in readers:
                reader.wait_for(lambda event, piece=piece: piece in event.get("delta", ""))  # type: ignore[misc]
            heard.append(time.monotonic() - began)
            in_a_row = 0
            while in_a_row < 6:
                in_a_row = in_a_row + 1 if piece in client.state()["messages"][-1]["content"] else 0
                assert time.monotonic() < began + 10
                if in_a_row == 1:
                    seen.append(time.monotonic() - began)
            time.sleep(scaled(0.1))
    report("a piece of text, until the last of 4 streams has it", heard)
    report("a piece of text, until a state has it", seen)
    assert texts(client.poll())[1][1] == "".join(f"<{n}>" for n in range(20))
    assert_consistent([client.session_id])
