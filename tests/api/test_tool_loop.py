"""The loop of a turn when calls are slow, fail or are interrupted: results are kept, and every call is recorded."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps_registry.models import App
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, calls, chunk, says
from tests.patience import scaled
from tests.upstream import Handler, Received, Upstream


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Holds back the upstream's answers to /slow until it is set."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def app(app: App, upstream: Upstream, let_go: threading.Event) -> App:
    """An App with a quick tool and slow ones, whose calls do not wait for replies."""

    def handle(handler: Handler, request: Received) -> None:
        if request.path == "/slow":
            let_go.wait(20)
        handler.reply(f"{request.method} {request.path}")

    upstream.handle = handle
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host, reply_wait_seconds=0)
    factories.make_http_tool(app, f"{upstream.url}/quick", name="quick")
    factories.make_http_tool(app, f"{upstream.url}/slow", name="slow", timeout_seconds=20, retries=0)
    factories.make_http_tool(app, f"{upstream.url}/slow", name="slow_post", method="POST", timeout_seconds=20)
    factories.make_http_tool(app, f"{upstream.url}/quick", name="quick_post", method="POST")
    return app


def tool_results(snapshot: dict[str, Any]) -> list[tuple[str, str]]:
    return [tuple(message["tool_result"]) for message in snapshot["messages"] if message["tool_result"]]


def until_called(upstream: Upstream, count: int) -> None:
    deadline = time.monotonic() + scaled(10)
    while len(upstream.received) < count:
        assert time.monotonic() < deadline, "the tools were not called"
        time.sleep(0.02)
    time.sleep(scaled(0.3))  # the answers arrive


def assert_every_call_is_answered(prompt: list[dict[str, Any]]) -> None:
    """Chat completions APIs refuse a prompt in which a call has no result, or a result no call."""
    called: list[str] = []
    for message in prompt:
        if message["role"] == "tool":
            assert message["tool_call_id"] == called.pop(0)
            continue
        assert called == [], "a call without a result"
        called = [call["id"] for call in message.get("tool_calls", [])]
    assert called == []


CUT = json.dumps({"error": "the call was interrupted; its outcome is unknown"}, separators=(",", ":"))


def test_results_are_sent_as_they_arrive_and_recorded_in_call_order(
    app_client: Client, model: ScriptedModel, upstream: Upstream, let_go: threading.Event
) -> None:
    model.will(calls(("slow", {}), ("quick", {})), says("Done."))
    app_client.chat("Go")
    until_called(upstream, 2)
    assert tool_results(app_client.state()) == []  # the first call is not answered yet
    let_go.set()
    assert tool_results(app_client.poll()) == [("slow", "GET /slow"), ("quick", "GET /quick")]


@pytest.mark.parametrize("slow", ["slow", "slow_post"])
def test_an_interrupt_keeps_what_is_finished(
    app_client: Client, model: ScriptedModel, upstream: Upstream, slow: str
) -> None:
    model.will(calls((slow, {}), ("quick", {}), text="Let me see."), says("Hm."))
    app_client.chat("Go")
    until_called(upstream, 2)
    snapshot = app_client.request("POST", "/api/interrupt").json()
    assert snapshot["status"] == "interrupted"
    assert texts(snapshot)[1] == ("agent", "Let me see.")
    assert tool_results(snapshot) == [(slow, CUT), ("quick", "GET /quick")]
    app_client.chat("And now?")
    app_client.poll()
    assert_every_call_is_answered(model.prompts[-1])
    assert sum(message["role"] == "tool" for message in model.prompts[-1]) == 2


def test_the_turns_time_limit_keeps_what_is_finished(
    app_client: Client, model: ScriptedModel, upstream: Upstream
) -> None:
    model.will(calls(("quick", {}), ("slow", {}), ("quick_post", {})), says("So it was."))
    app_client.post_chat("Go")
    snapshot = app_client.poll()
    assert snapshot["system_events"] == [{"SystemError": "The turn took too long."}]
    assert tool_results(snapshot) == [("quick", "GET /quick"), ("slow", CUT), ("quick_post", "POST /quick")]
    app_client.chat("And now?")
    app_client.poll()
    assert_every_call_is_answered(model.prompts[-1])


def test_a_failed_turn_that_is_tried_again_knows_its_calls(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    """The rounds before the failure are stored; the second try continues after them."""
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=10)
    broken = Reply([chunk({"content": "So"})])  # ends without a finish reason
    model.will(calls(("quick_post", {})), broken, broken, broken)
    again = {"headers": {"Idempotency-Key": "go-1"}, "params": {"message": "Go", "app": app.slug}}
    assert app_client.request("POST", "/api/chat", **again).status_code == 502
    model.server._scripts[model.model_id].clear()
    model.will(calls(("quick", {})), says("Done."))
    snapshot = app_client.request("POST", "/api/chat", **again).json()
    assert texts(snapshot) == [("user", "Go"), ("agent", ""), ("agent", ""), ("agent", "Done.")]
    assert tool_results(snapshot) == [("quick_post", "POST /quick"), ("quick", "GET /quick")]
    assert [request.method for request in upstream.received] == ["POST", "GET"]
    assert_every_call_is_answered(model.prompts[-1])
    assert len({message["id"] for message in snapshot["messages"]}) == 4


def test_a_repeated_call_is_noticed(app_client: Client, model: ScriptedModel) -> None:
    same = [calls(("calculate", {"expression": "1 + 1"})), calls(("calculate", '{ "expression":"1 + 1" }'))]
    model.will(*same, says("2."))
    app_client.chat("Go")
    app_client.poll()
    first, second = [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]
    assert "made before" not in first
    assert "made before in this turn" in second
    stored = [result for _, result in tool_results(app_client.state())]
    assert stored[0] == stored[1]  # only the model gets the note


def test_two_calls_with_one_id_are_distinguished(app_client: Client, model: ScriptedModel) -> None:
    def call(index: int, expression: str) -> bytes:
        function = {"name": "calculate", "arguments": json.dumps({"expression": expression})}
        return chunk({"tool_calls": [{"index": index, "id": "same", "type": "function", "function": function}]})

    model.will(Reply([call(0, "1 + 1"), call(1, "2 + 2"), chunk({}, "tool_calls")]), says("2 and 4."))
    app_client.chat("Go")
    app_client.poll()
    assert_every_call_is_answered(model.prompts[-1])
    ids = [call["id"] for message in model.prompts[-1] for call in message.get("tool_calls", [])]
    assert len(set(ids)) == 2


def test_a_result_that_postgres_cannot_store_is_made_storable(
    app_client: Client, model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, _: handler.reply("a\x00b")
    model.will(calls(("quick", {})), says("Done."))
    app_client.chat("Go")
    assert tool_results(app_client.poll())[0][1] == "a\ufffdb"
