"""Redis stops and starts: turns continue, and text reaches other workers again once Redis is back."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessions_app.models import Turn
from tests.client import texts
from tests.faults.conftest import Talk, assert_consistent, report
from tests.model_server import Reply, ScriptedModel, chunk, says
from tests.needs import program
from tests.patience import scaled
from tests.product import Server, free_port
from tests.sse import Updates


class Redis:
    """A Redis that the test may stop and start on the same port."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(scaled(5))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    running = Redis(program("redis-server", "valkey-server", package="redis-server"), tmp_path)
    yield running
    running.stop()


@pytest.fixture
def server(patient: Callable[..., Server], redis: Redis) -> Server:
    return patient(BUS="redis", REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")


def test_the_bus_reconnects(server: Server, redis: Redis, talk: Talk, model: ScriptedModel) -> None:
    client = talk.to(server)
    go_on = threading.Event()
    model.will(Reply([chunk({"content": "before "}), go_on, chunk({"content": "after"}), chunk({}, "stop")]))
    client.chat("Well?")
    with Updates(client) as reader:
        redis.stop()
        time.sleep(scaled(0.3))
        assert client.state()["status"] == "processing"  # Postgres answers
        redis.start()
        began = time.monotonic()
        assert reader.ended.wait(scaled(10))  # what it missed is stored nowhere: it must read the state
        report("Redis back, until a stream is told to start again", [time.monotonic() - began])
    go_on.set()
    assert texts(client.poll())[1] == ("agent", "before after")
    time.sleep(scaled(2.5))  # the longest pause between attempts: all four workers listen
    model.will(says("one ", "two", pause=0.2))
    with Updates(client) as first, Updates(client) as second, Updates(client) as third:
        client.chat("Next")
        for reader in (first, second, third):
            reader.wait_for(lambda event: event.get("status") == "idle")
            assert "".join(event["delta"] for event in reader.of_type("message_delta")) == "one two"
    assert_consistent([client.session_id], accepted={client.session_id: ["Well?", "Next"]})
    assert "Traceback" not in server.log


def test_states_never_show_the_last_reply_as_the_next_one(
    server: Server, redis: Redis, talk: Talk, model: ScriptedModel
) -> None:
    """Workers that followed a reply do not learn that it has ended; what they remember is not part of the next one."""
    client = talk.to(server)
    first, second = threading.Event(), threading.Event()
    model.will(Reply([chunk({"content": "first reply"}), first, chunk({}, "stop")]))
    model.will(Reply([second, chunk({"content": "second reply"}), chunk({}, "stop")]))
    client.chat("one")
    for _ in range(24):
        client.state()  # every worker follows
    redis.stop()
    first.set()
    client.poll()
    client.chat("two")
    shown = [texts(client.state()) for _ in range(24)]
    second.set()
    client.poll()
    assert all(len(messages) == 3 for messages in shown), shown
    assert_consistent([client.session_id], accepted={client.session_id: ["one", "two"]})


def test_partial_replies_are_shown_again_once_the_bus_works(
    server: Server, redis: Redis, talk: Talk, model: ScriptedModel
) -> None:
    """A piece that was lost with the bus does not stop the following ones."""
    client = talk.to(server)
    steps = [threading.Event() for _ in range(3)]
    parts = [part for n, step in enumerate(steps) for part in (chunk({"content": f"<{n}>"}), step)]
    model.will(Reply([*parts, chunk({}, "stop")]))
    client.chat("Well?")
    for _ in range(24):
        client.state()  # every worker follows
    redis.stop()
    steps[0].set()  # <1> is lost
    time.sleep(scaled(2))  # the sender gives up
    redis.start()
    time.sleep(scaled(3))  # all workers listen again
    turn = Turn.objects.filter(session_id=client.uuid)
    stored = turn.get().partial_text
    steps[1].set()  # <2> is not lost
    time.sleep(scaled(0.2))  # stored in Postgres, where every worker finds it, at most 1 s later
    shown = {client.state()["messages"][-1]["content"] for _ in range(24)}
    reached_postgres = turn.get().partial_text != stored
    steps[2].set()
    client.poll()
    assert shown == {"<0><1><2>"} or reached_postgres
    assert_consistent([client.session_id], accepted={client.session_id: ["Well?"]})
