"""Live text: in the chat stream, on /api/updates and in /api/state, on every worker."""

import threading
import time
import uuid
from collections.abc import Iterator

import httpx2
import pytest

from apps_registry.models import App
from keys.models import AppKey
from keys.services import revoke_key
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, calls, chunk, refuses, says
from tests.patience import scaled
from tests.product import NO_TLS, Server
from tests.sse import Updates, events_of

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module", params=["memory", "postgres", "redis"])
def workers(
    request: pytest.FixtureRequest, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The product on each kind of bus, with as many workers as the bus supports, and long timeouts for models."""
    from tests.product import start_server

    more = {"MODEL_GAP_TIMEOUT_SECONDS": "60", "TURN_TIMEOUT_SECONDS": "60", "BUS": request.param}
    if request.param == "redis":
        more["REDIS_URL"] = request.getfixturevalue("redis_url")
    log = tmp_path_factory.mktemp(request.param) / "log"
    running = start_server(log, {**environment, **more}, workers=1 if request.param == "memory" else 4)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log


@pytest.fixture
def talker(workers: Server, app: App) -> Iterator[Client]:
    """A client that does not wait for replies."""
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    with Client(workers.url, app=app.slug, key=factories.make_key(app).plain) as client:
        yield client


def test_every_stream_on_every_worker_gets_the_turn(talker: Client, model: ScriptedModel) -> None:
    model.will(
        calls(("calculate", {"expression": "6*7"}), text="Let me see."),
        says("It ", "is ", "42", ".", pause=0.15),
    )
    with Updates(talker) as one, Updates(talker) as two, Updates(talker) as three, Updates(talker) as four:
        talker.chat("6*7?")
        for reader in (one, two, three, four):
            reader.wait_for(lambda event: event.get("status") == "idle")
            assert [event["status"] for event in reader.of_type("status_changed")] == ["processing", "idle"]
            (update,) = reader.of_type("tool_update")
            (complete,) = reader.of_type("tool_complete")
            assert update["call_id"] == complete["call_id"]
            assert update["tool_name"] == complete["tool_name"] == "calculate"
            text_by_message: dict[str, str] = {}
            for delta in reader.of_type("message_delta"):
                assert delta["offset"] == len(text_by_message.get(delta["message_id"], ""))
                text_by_message[delta["message_id"]] = text_by_message.get(delta["message_id"], "") + delta["delta"]
            assert list(text_by_message.values()) == ["Let me see.", "It is 42."]
            assert all(event["session_id"] == talker.session_id for event in reader.events)
            assert len(reader.ids) == len(set(reader.ids)) == len(reader.events)
        messages = talker.state()["messages"]
        assert complete["result"] == messages[2]["tool_result"][1]
        assert set(text_by_message) <= {message["id"] for message in messages}


def test_text_is_in_the_state_of_every_worker_as_it_arrives(talker: Client, model: ScriptedModel) -> None:
    go_on = [threading.Event() for _ in range(3)]
    parts = [part for n, event in enumerate(go_on) for part in (chunk({"content": f"piece{n} "}), event)]
    model.will(Reply([*parts, chunk({}, "stop")]))
    talker.chat("Hi")
    for number, event in enumerate(go_on):
        expected = "".join(f"piece{n} " for n in range(number + 1))
        seen = [talker.state() for _ in range(4)]  # a worker that has not followed the turn begins to follow it
        deadline = time.monotonic() + scaled(5)
        while not all(len(s["messages"]) == 2 and s["messages"][1]["content"] == expected for s in seen):
            assert time.monotonic() < deadline, [texts(snapshot) for snapshot in seen]
            seen = [talker.state() for _ in range(8)]  # reaches all four sooner or later
        assert {s["messages"][1]["is_streaming"] for s in seen} == {True}
        assert len({s["messages"][1]["id"] for s in seen}) == 1
        event.set()
    assert texts(talker.poll())[1] == ("agent", "piece0 piece1 piece2 ")


def test_an_interrupt_stops_the_turn_wherever_it_runs(talker: Client, model: ScriptedModel, app: App) -> None:
    for _ in range(4):
        model.will(Reply([chunk({"content": "As I was say"})], then="hang"), says("Yes?"))
        talker.session_id = uuid.uuid4().hex[:8] + talker.session_id[8:]
        talker.chat("Well?")
        while len(talker.state()["messages"]) < 2:
            time.sleep(0.01)
        disconnects = model.server.disconnects[model.model_id]
        began = time.monotonic()
        answer = talker.request("POST", "/api/interrupt")
        took = time.monotonic() - began
        assert (answer.status_code, answer.json()["status"]) == (200, "interrupted")
        assert texts(answer.json()) == [("user", "Well?"), ("agent", "As I was say")]
        assert took < scaled(5)  # a limit against hanging; the benchmark measures the speed
        while model.server.disconnects[model.model_id] == disconnects:
            assert time.monotonic() - began < scaled(5), "the connection to the model stays open"
            time.sleep(0.01)
        talker.chat("Go on")  # accepted at once
        assert texts(talker.poll())[2:] == [("user", "Go on"), ("agent", "Yes?")]


def test_interrupting_nothing_changes_nothing(talker: Client) -> None:
    assert talker.request("POST", "/api/interrupt").status_code == 404
    talker.chat("Hi")
    before = talker.poll()
    assert talker.request("POST", "/api/interrupt").json() == before


def test_deleting_stops_the_turn_on_any_worker(talker: Client, model: ScriptedModel) -> None:
    model.will(Reply([chunk({"content": "never"})], then="hang"))
    talker.chat("Hi")
    disconnects = model.server.disconnects[model.model_id]
    time.sleep(scaled(0.3))
    assert talker.request("DELETE", f"/api/sessions/{talker.session_id}").status_code == 200
    deadline = time.monotonic() + scaled(5)
    while model.server.disconnects[model.model_id] == disconnects:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [len(talker.state()["messages"]) for _ in range(8)] == [0] * 8


def test_a_stream_may_be_opened_before_its_session(workers: Server, client: Client, model: ScriptedModel) -> None:
    with Client(workers.url) as early, Updates(early) as reader:
        early.chat("Hi")
        reader.wait_for(lambda event: event.get("status") == "idle")
        assert "".join(event["delta"] for event in reader.of_type("message_delta")) == "Hello."


def test_a_head_request_for_a_stream_occupies_nothing(talker: Client) -> None:
    with httpx2.Client(base_url=talker.http.base_url, timeout=10, verify=NO_TLS) as keeping:
        headers = {"X-Session-Id": talker.session_id, "AOMI-APP-KEY": talker.key or ""}
        head = keeping.head("/api/updates", headers=headers)
        assert (head.status_code, head.headers["Content-Type"], head.content) == (200, "text/event-stream", b"")
        # On the same connection, which an open stream would keep.
        assert keeping.get("/api/state", headers=headers).status_code == 200


def test_a_stream_without_the_key_gets_nothing_of_a_keyed_app(talker: Client) -> None:
    stranger = Client(str(talker.http.base_url), session_id=talker.session_id)
    with Updates(stranger) as outside, Updates(talker) as inside:
        talker.chat("secret")
        inside.wait_for(lambda event: event.get("status") == "idle")
        time.sleep(scaled(0.3))
        assert outside.events == []


def test_a_revoked_keys_streams_are_closed(talker: Client) -> None:
    with Updates(talker) as reader:
        revoke_key(AppKey.objects.latest("created_at"))
        assert reader.ended.wait(scaled(10))


def test_a_reconnecting_stream_gets_what_it_missed_on_any_worker(talker: Client) -> None:
    with Updates(talker) as reader:
        talker.chat("one")
        reader.wait_for(lambda event: event.get("status") == "idle")
    last = reader.ids[-1]
    talker.chat("two")
    talker.poll()
    for _ in range(6):  # on whichever worker
        with Updates(talker, last_event_id=last) as again:
            again.wait_for(lambda event: event.get("status") == "idle")
            assert "".join(event["delta"] for event in again.of_type("message_delta")) == "Hello."
            assert len(again.ids) == len(set(again.ids))


def test_an_unknown_last_event_id_starts_at_the_present(talker: Client) -> None:
    with Updates(talker, last_event_id="0-00000000-0") as reader:
        talker.chat("one")
        reader.wait_for(lambda event: event.get("status") == "idle")
        assert [event["status"] for event in reader.of_type("status_changed")] == ["processing", "idle"]


def test_chat_streams_the_turn(talker: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"})), says("It is ", "42."))
    query = {"message": "6*7?", "app": str(talker.app)}
    answer = talker.request("POST", "/api/chat", params=query, headers=STREAM)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    events = events_of(answer)
    assert [event["type"] for event in events] == ["tool_call", "tool_result", "text", "text", "complete"]
    assert events[0]["name"] == "calculate"
    assert events[1]["call_id"] == events[0]["call_id"]
    assert "".join(event["content"] for event in events if event["type"] == "text") == "It is 42."
    assert events[-1]["snapshot"]["messages"] == talker.state()["messages"]
    assert events[-1]["snapshot"]["is_processing"] is False


def test_a_streamed_turn_that_fails_sends_an_error_and_completes(talker: Client, model: ScriptedModel) -> None:
    model.will(refuses(400))
    answer = talker.request("POST", "/api/chat", params={"message": "Hi", "app": str(talker.app)}, headers=STREAM)
    error, complete = events_of(answer)
    assert (error["type"], error["code"]) == ("error", "model_error")
    assert complete["snapshot"]["status"] == "idle"


def test_refusals_of_a_stream_are_problems(talker: Client) -> None:
    for query in ({"message": ""}, {"message": "Hi", "app": "no-such-app"}):
        answer = talker.request("POST", "/api/chat", params=query, headers=STREAM)
        assert answer.headers["Content-Type"] == "application/problem+json"
