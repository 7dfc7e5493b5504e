"""PostgreSQL stops and returns: nothing accepted is lost, nothing hangs, and the bus works again."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession, Message
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, chunk, says
from tests.patience import scaled
from tests.product import Server
from tests.sql_proxy import SqlProxy
from tests.sse import Updates


@pytest.fixture
def proxy(database: str) -> Iterator[SqlProxy]:
    running = SqlProxy(database)
    yield running
    running.close()


@pytest.fixture
def server_behind(start: Callable[..., Server], proxy: SqlProxy) -> Server:
    """Two workers that reach Postgres through the proxy, with leases that outlast an outage."""
    patience = {"MODEL_GAP_TIMEOUT_SECONDS": "60", "TURN_TIMEOUT_SECONDS": "60", "TURN_LEASE_SECONDS": "60"}
    return start(workers=2, DATABASE_URL=proxy.url, DATABASE_DIRECT_URL="", **patience)


def until_ready(server: Server) -> None:
    deadline = time.monotonic() + scaled(20)
    while server.get("/readyz", timeout=10).status_code != 200:
        assert time.monotonic() < deadline, "the server did not recover"
        time.sleep(scaled(0.1))


def assert_consistent(session_id: str) -> None:
    """Positions without a gap, and no turn that hangs."""
    positions = list(Message.objects.filter(session_id=uuid.UUID(session_id)).values_list("position", flat=True))
    assert positions == list(range(len(positions)))
    assert ChatSession.objects.get(pk=session_id).status != "processing"


def test_a_turn_outlives_its_database(server_behind: Server, proxy: SqlProxy, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    go_on = threading.Event()
    model.will(Reply([chunk({"content": "before "}), go_on, chunk({"content": "after"}), chunk({}, "stop")]))
    with Client(server_behind.url, app=app.slug, key=factories.make_key(app).plain) as client:
        client.chat("Hi")
        proxy.cut()
        for method, path in (("GET", "/api/state"), ("POST", "/api/chat?message=x"), ("POST", "/api/sessions")):
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
            assert int(answer.headers["Retry-After"]) > 0
        go_on.set()  # the model finishes while nothing can be stored
        time.sleep(scaled(1))
        proxy.restore()
        until_ready(server_behind)
        assert texts(client.poll(20)) == [("user", "Hi"), ("agent", "before after")]
        client.chat("Again")
        assert texts(client.poll())[3] == ("agent", "Hello.")
    assert_consistent(client.session_id)
    assert "Traceback" not in server_behind.log


def test_the_bus_works_again(server_behind: Server, proxy: SqlProxy, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    with Client(server_behind.url, app=app.slug, key=factories.make_key(app).plain) as client:
        client.chat("Hi")
        client.poll()
        with Updates(client) as reader:
            proxy.cut()
            time.sleep(scaled(0.5))
            proxy.restore()
            # What the stream has missed is stored nowhere, so it ends, and its reader asks for the state.
            assert reader.ended.wait(scaled(20))
        until_ready(server_behind)
        time.sleep(scaled(3))  # both workers listen again: the pauses between their attempts grow to 2 s
        model.will(says("one ", "two ", "three", pause=0.2))
        with Updates(client) as first, Updates(client) as second, Updates(client) as third:
            client.chat("Go on")
            for reader in (first, second, third):
                reader.wait_for(lambda event: event.get("status") == "idle")
                assert "".join(event["delta"] for event in reader.of_type("message_delta")) == "one two three"
    assert_consistent(client.session_id)
