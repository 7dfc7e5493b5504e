"""What clients of the original system depend on; each test is a rule that they rely on."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, calls, chunk, refuses, says
from tests.patience import scaled
from tests.product import Server
from tests.sse import Updates
from tests.waiting import wait_until

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ADDRESS = "0x742d35Cc6634C0532925a3b844Bc9e7595f2bD68"


@pytest.fixture
def widget(app_client: Client, app: App) -> Client:
    """An existing client of an App whose sessions are readable by id: it sends its key only with chat calls."""
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True, reply_wait_seconds=0)
    return app_client


def keyless(client: Client, method: str, path: str, **more: Any) -> Any:
    return client.request(method, path, headers={"AOMI-APP-KEY": None}, **more)  # type: ignore[dict-item]


def test_the_key_is_shown_on_chat_and_control_only(widget: Client) -> None:
    widget.chat("Hi")
    path = f"/api/sessions/{widget.session_id}"
    for method, url, more in (
        ("GET", "/api/state", {}),
        ("POST", "/api/interrupt", {}),
        ("POST", "/api/system", {"params": {"message": "noted"}}),
        ("GET", "/api/events", {}),
        ("POST", "/api/sessions", {"json": {"public_key": ADDRESS.lower()}}),
        ("GET", path, {}),
        ("PATCH", path, {"json": {"title": "A name"}}),
        ("POST", f"{path}/archive", {}),
        ("POST", f"{path}/unarchive", {}),
        ("DELETE", path, {}),
    ):
        assert keyless(widget, method, url, **more).status_code == 200, url


def test_listing_by_wallet_needs_no_session_id(widget: Client) -> None:
    headers = {"X-Session-Id": None, "AOMI-APP-KEY": None}
    answer = widget.request("GET", "/api/sessions", params={"public_key": ADDRESS.lower()}, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()) == (200, [])


def test_everything_is_in_the_query_string_of_an_empty_post(client: Client) -> None:
    state = {"address": ADDRESS, "chain_id": 1, "ext": {"calldata": "0x" + "ab" * 28_000}}
    cookies = {"Cookie": "sessionid=x; csrftoken=y", "Origin": "https://elsewhere.example"}
    query = {"message": "Hi", "user_state": json.dumps(state), "client_id": "c-1"}
    answer = client.request("POST", "/api/chat", params=query, headers=cookies)
    assert len(str(answer.request.url)) > 56_000
    assert (answer.status_code, answer.json()["user_state"]) == (200, state)


@pytest.mark.parametrize("path", ["/api/chat/", "/api/state/", "/api/sessions/"])
def test_nothing_redirects(client: Client, path: str) -> None:
    assert client.request("POST", path, params={"message": "Hi"}).status_code == 404


@pytest.mark.parametrize("wait_seconds", [0, 30])
def test_overlapping_polls_all_end_with_a_complete_snapshot(
    app_client: Client, app: App, model: ScriptedModel, wait_seconds: int
) -> None:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=wait_seconds)
    model.will(calls(("calculate", {"expression": "6*7"})), says("It ", "is ", "42.", pause=0.1))
    first = app_client.chat("6*7?")
    assert texts(first)[0] == ("user", "6*7?")
    assert first["is_processing"] is (wait_seconds == 0)
    ends: list[dict[str, Any]] = []

    def poll() -> None:
        ends.append(app_client.poll())

    pollers = [threading.Thread(target=poll) for _ in range(4)]
    for poller in pollers:
        poller.start()
        time.sleep(0.02)
    for poller in pollers:
        poller.join()
    for end in ends:
        assert texts(end) == [("user", "6*7?"), ("agent", ""), ("agent", "It is 42.")]
        assert not any(message["is_streaming"] for message in end["messages"])


def test_the_snapshot_that_ends_the_polling_says_what_went_wrong(widget: Client, model: ScriptedModel) -> None:
    model.will(refuses(400))
    widget.chat("Hi")
    end = widget.poll()
    (event,) = end["system_events"]
    assert list(event) == ["SystemError"]
    assert widget.state()["system_events"] == []  # delivered once


def test_after_an_interrupt_nothing_late_appears(widget: Client, model: ScriptedModel) -> None:
    model.will(Reply([chunk({"content": "old text "}), 1.0, chunk({"content": "late text"}), chunk({}, "stop")]))
    widget.chat("one")
    while not widget.state()["messages"][-1]["is_streaming"]:
        time.sleep(0.02)
    assert widget.request("POST", "/api/interrupt").json()["status"] == "interrupted"
    model.will(says("new text"))
    widget.chat("two")  # accepted at once
    time.sleep(scaled(1.2))
    assert texts(widget.poll()) == [("user", "one"), ("agent", "old text "), ("user", "two"), ("agent", "new text")]


def test_messages_and_events_have_the_shapes_that_clients_parse(widget: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"}), text="Let me see."), says("42."))
    widget.chat("6*7?")
    keyless(widget, "POST", "/api/system", params={"message": "noted"})
    widget.poll()
    widget.chat("Thanks")
    snapshot = widget.poll()
    for message in snapshot["messages"]:
        result = message["tool_result"]
        assert result is None or (len(result) == 2 and all(isinstance(part, str) for part in result))
        assert ISO.fullmatch(message["timestamp"])
        assert message["sender"] in {"user", "agent", "system"}
    assert sum(message["tool_result"] is not None for message in snapshot["messages"]) == 1


def test_the_system_endpoint_creates_the_session(client: Client) -> None:
    answer = client.request("POST", "/api/system", params={"message": "wallet ready"}).json()
    assert answer["res"]["content"].startswith("Response of system endpoint: ")
    (event,) = client.state()["system_events"]
    assert event == {"SystemNotice": "wallet ready"}
    assert client.state()["system_events"] == []


@pytest.mark.parametrize(
    "state",
    [
        f'{{"address":"{ADDRESS}","chain_id":1,"is_connected":true,"ext":{{"n":1.50,"ü":[]}}}}',
        f'{{"evm": {{"address": "{ADDRESS}", "chain_id": 8453}}, "connection": {{}}}}',
        f'{{"address": "{ADDRESS}"}}',
    ],
)
def test_the_user_state_is_returned_unchanged(client: Client, state: str) -> None:
    answers = [client.post_chat("Hi", user_state=state), client.request("GET", "/api/state"), client.post_chat("Hi")]
    for answer in answers:
        assert f'"user_state":{state}' in answer.text  # nothing added, nothing reordered
    client.request("GET", "/api/state", params={"user_state": '{"is_connected": false}'})
    assert client.state()["user_state"] == {"is_connected": False}
    assert ChatSession.objects.get(pk=client.session_id).wallet_address == ADDRESS.lower()


def test_opening_a_session_repeatedly_changes_nothing(client: Client) -> None:
    body = {"public_key": f"0x{uuid.uuid4().hex}12345678"}
    answers = [client.request("POST", "/api/sessions", json=body) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json() == answers[1].json() == answers[2].json()
    client.chat("Hi", user_state=json.dumps({"address": body["public_key"], "chain_id": 8453}))
    version = ChatSession.objects.get(pk=client.session_id).version
    client.request("POST", "/api/sessions", json=body)
    session = ChatSession.objects.get(pk=client.session_id)
    assert (session.version, session.wallet_chain_id, session.messages.count()) == (version, 8453, 2)
    client.chat("Hi", public_key=body["public_key"])
    assert ChatSession.objects.get(pk=client.session_id).wallet_chain_id == 8453


# The following calls have exactly the form that the original React client and its library send.


def test_apps_are_strings_under_the_first_name_and_objects_under_the_second(app_client: Client, app: App) -> None:
    query = {"public_key": ADDRESS}
    assert app_client.request("GET", "/api/control/apps", params=query).json() == ["default", app.slug]
    assert app_client.request("GET", "/api/session/apps").json() == [{"name": "default"}, {"name": app.slug}]
    for name in app_client.request("GET", "/api/control/apps").json():  # used unchanged in the next call
        assert app_client.request("POST", "/api/chat", params={"message": "Hi", "app": name}).status_code in {200, 403}
        app_client.session_id = str(uuid.uuid4())


@pytest.mark.parametrize("prefix", ["/api/control", "/api/session"])
def test_models_have_two_names(app_client: Client, app: App, prefix: str) -> None:
    app_client.chat("Hi")
    (model, *_) = app_client.request("GET", f"{prefix}/models").json()
    query = {"rig": model, "app": app.slug, "client_id": str(uuid.uuid4())}
    chosen = app_client.request("POST", f"{prefix}/model", params=query).json()
    assert chosen == {"success": True, "rig": model, "baml": model, "created": False}


@pytest.fixture
def shown(serve: Callable[..., Server], app: App, model: ScriptedModel) -> Iterator[Client]:
    """A client of two workers and an App with the default reply wait; its model is slow."""
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=App._meta.get_field("reply_wait_seconds").get_default())
    server = serve(workers=2, MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        yield client


def ask(client: Client, **headers: str) -> dict[str, Any]:
    query = {"message": "Hi", "app": str(client.app), "user_state": "{}", "client_id": "c-1"}
    answer = client.request("POST", "/api/chat", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    snapshot: dict[str, Any] = answer.json()
    return snapshot


def at_once(client: Client, model: ScriptedModel, **headers: str) -> bool:
    """Whether a call is answered before its reply is ready; the reply comes in both cases."""
    model.will(says("It", " is", " here.", pause=0.1))
    first = ask(client, **headers)
    assert ("user", "Hi") in texts(first)
    assert texts(client.poll())[-1] == ("agent", "It is here.")
    return first["is_processing"] is True


def all_calls_are(client: Client, model: ScriptedModel, *, at_once_: bool) -> bool:
    """Each call has its own connection: some reach the worker that has the stream, some the other one."""
    return all(at_once(client, model) is at_once_ for _ in range(6))


def test_with_an_open_stream_on_any_worker_the_response_comes_at_once(shown: Client, model: ScriptedModel) -> None:
    with Updates(shown), Updates(shown):
        wait_until(lambda: all_calls_are(shown, model, at_once_=True))  # once all workers know of it
    wait_until(lambda: all_calls_are(shown, model, at_once_=False))  # and know that it is closed


def test_a_stream_opened_before_the_session_exists_counts(shown: Client, model: ScriptedModel) -> None:
    with Updates(shown) as updates:
        wait_until(lambda: all_calls_are(shown, model, at_once_=True))
        updates.wait_for(lambda event: event["type"] == "message_delta")


def test_the_clients_prefer_wait_overrides_an_open_stream(shown: Client, model: ScriptedModel) -> None:
    with Updates(shown):
        wait_until(lambda: all_calls_are(shown, model, at_once_=True))
        assert not any(at_once(shown, model, Prefer="wait=20") for _ in range(4))
        model.will(says("It", " is", " here.", pause=0.1))
        query = {"message": "Hi", "app": str(shown.app)}
        streamed = shown.request("POST", "/api/chat", params=query, headers={"Accept": "text/event-stream"})
        assert '"type":"complete"' in streamed.text


def test_the_apps_reply_wait_overrides_an_open_stream(shown: Client, app: App, model: ScriptedModel) -> None:
    with Updates(shown):
        wait_until(lambda: all_calls_are(shown, model, at_once_=True))
        App.objects.filter(pk=app.pk).update(reply_wait_seconds=30)  # the same number as the default, but set
        assert all_calls_are(shown, model, at_once_=False)


def test_another_sessions_stream_does_not_count(shown: Client, model: ScriptedModel) -> None:
    with Client(str(shown.http.base_url), app=shown.app, key=shown.key) as other, Updates(other):
        wait_until(lambda: all_calls_are(other, model, at_once_=True))
        assert all_calls_are(shown, model, at_once_=False)
