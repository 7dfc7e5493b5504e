"""kill -9 of a worker while a tool is being called, or while a call waits for its user."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from apps_registry.models import App
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.faults.conftest import Talk, assert_consistent
from tests.model_server import ScriptedModel, calls, says
from tests.patience import scaled
from tests.product import Server
from tests.upstream import Handler, Received, Upstream

pytestmark = pytest.mark.thorough


@pytest.fixture
def app(app: App, upstream: Upstream) -> App:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    return app


def kill_workers(server: Server) -> None:
    for worker in psutil.Process(server.process.pid).children():
        os.kill(worker.pid, signal.SIGKILL)


def results(client: Client) -> list[tuple[str, str]]:
    return [tuple(message["tool_result"]) for message in client.poll(15)["messages"] if message["tool_result"]]


def test_a_call_that_must_not_be_repeated_survives_the_worker_that_made_it(
    patient: Callable[..., Server], app: App, talk: Talk, model: ScriptedModel, upstream: Upstream
) -> None:
    server, hold = patient(workers=2), threading.Event()

    def handle(handler: Handler, _: Received) -> None:
        hold.wait(20)
        handler.reply("ordered")

    upstream.handle = handle
    factories.make_http_tool(app, f"{upstream.url}/orders", name="order", method="POST", timeout_seconds=20)
    client = talk.to(server)
    model.will(calls(("order", {"text": "one"}), text="I order it."), says("Let me ask whether it went through."))
    client.chat("Order one")
    deadline = time.monotonic() + scaled(10)
    while not upstream.received:
        assert time.monotonic() < deadline, "the tool was not called"
        time.sleep(0.02)
    kill_workers(server)
    assert results(client) == [("order", '{"error":"the call was interrupted; its outcome is unknown"}')]
    hold.set()
    snapshot = client.state()
    assert snapshot["status"] == "interrupted"
    assert texts(snapshot) == [("user", "Order one"), ("agent", "I order it."), ("agent", "")]
    assert Turn.objects.get(session_id=client.uuid).open_calls is None
    client.chat("And?")
    client.poll()
    asked, result = [message for message in model.prompts[-1] if message["role"] != "user"][-3:-1]
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"text": "one"}
    assert "outcome is unknown" in result["content"]
    assert len(upstream.received) == 1
    assert_consistent([client.session_id], accepted={client.session_id: ["Order one", "And?"]})


def asked(client: Client) -> str:
    """The id of the one question that the session asks."""
    snapshot = client.poll()
    assert snapshot["status"] == "idle"
    (event,) = snapshot["system_events"]
    return str(event["InlineCall"]["payload"]["call_id"])


def approve(client: Client, call_id: str, *, status: int = 200) -> None:
    answer_body = {"type": "confirm_tool", "payload": {"call_id": call_id, "approved": True}}
    assert client.request("POST", "/api/system", json={"message": json.dumps(answer_body)}).status_code == status


def test_a_call_that_waits_for_its_user_survives_every_worker(
    patient: Callable[..., Server], app: App, talk: Talk, model: ScriptedModel, upstream: Upstream
) -> None:
    server, hold = patient(workers=2), threading.Event()
    hold.set()

    def handle(handler: Handler, request: Received) -> None:
        hold.wait(20)
        handler.reply(f"ordered {request.path[1:]}")

    upstream.handle = handle
    factories.make_http_tool(app, f"{upstream.url}/tea", name="order", method="POST", timeout_seconds=20)
    app.tools.filter(name="order").update(needs_confirmation=True)
    client = talk.to(server)
    model.will(calls(("calculate", {"expression": "6*7"}), ("order", {}), text="I order tea."), says("It is ordered."))
    client.chat("Order tea")
    call_id = asked(client)
    kill_workers(server)
    approve(client, call_id)
    assert [result for _, result in results(client)][1] == "ordered tea"
    assert texts(client.poll())[-1] == ("agent", "It is ordered.")

    model.will(calls(("order", {})))
    client.chat("And once more")
    call_id = asked(client)
    hold.clear()
    approve(client, call_id)
    deadline = time.monotonic() + scaled(10)
    while len(upstream.received) < 2:
        assert time.monotonic() < deadline, "the approved call was not made"
        time.sleep(0.02)
    kill_workers(server)
    assert "outcome is unknown" in results(client)[-1][1]
    hold.set()
    approve(client, call_id, status=410)  # a repeated answer makes no second call
    assert client.poll()["status"] == "interrupted"
    assert len(upstream.received) == 2
    client.chat("And?")
    client.poll()
    assert_consistent([client.session_id], accepted={client.session_id: ["Order tea", "And once more", "And?"]})
