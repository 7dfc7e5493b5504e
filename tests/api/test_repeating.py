"""Idempotency-Key, Prefer and since: clients that repeat calls, and clients that do not wait."""

import threading
import uuid

import pytest

from apps_registry.models import App
from sessions_app.models import Message, Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel, refuses, says
from tests.patience import scaled
from tests.product import Server


def ask(client: Client, key: str, message: str = "Hi", **headers: str) -> tuple[int, dict[str, object]]:
    query = {"message": message, **({"app": client.app} if client.app else {})}
    answer = client.request("POST", "/api/chat", params=query, headers={"Idempotency-Key": key, **headers})
    return answer.status_code, answer.json()


def test_the_same_key_is_the_same_turn(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("once"))
    answers = [ask(app_client, "k1") for _ in range(4)]
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 200
    assert len(model.requests) == 1
    assert ask(app_client, "k2")[0] == 200
    assert len(model.requests) == 2
    assert Turn.objects.filter(session_id=app_client.uuid).count() == 2


def turns_and_messages(client: Client) -> tuple[int, int]:
    of_session = {"session_id": client.uuid}
    return Turn.objects.filter(**of_session).count(), Message.objects.filter(**of_session).count()


def test_the_same_key_with_another_message_is_refused_and_nothing_is_stored(
    app_client: Client, model: ScriptedModel
) -> None:
    model.will(says("once"))
    first = ask(app_client, "k1")
    for message in ("hi", "Hi ", "Hi!", "something else"):
        status, problem = ask(app_client, "k1", message)
        assert (status, problem["code"]) == (422, "idempotency_mismatch")
    assert ask(app_client, "k1") == first
    assert turns_and_messages(app_client) == (1, 2)
    assert len(model.requests) == 1


def test_only_message_and_app_must_be_the_same(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("once"))
    query = {"message": "Hi", "app": str(app_client.app)}
    key = {"Idempotency-Key": "k1"}
    first = app_client.request("POST", "/api/chat", params=query, headers=key).json()
    again = app_client.request("POST", "/api/chat", json={"message": "Hi", "user_state": {"ext": 1}}, headers=key)
    assert (again.status_code, again.json()["messages"]) == (200, first["messages"])


def test_a_failed_turn_is_not_tried_again_with_another_message(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(400), says("at last"))
    assert ask(app_client, "k1")[0] == 502
    assert ask(app_client, "k1", "Another")[0] == 422
    status, snapshot = ask(app_client, "k1")
    assert (status, texts(snapshot)) == (200, [("user", "Hi"), ("agent", "at last")])


def test_a_running_turn_is_not_joined_with_another_message(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("slow", pause=0.5))
    assert ask(app_client, "k1", Prefer="respond-async")[0] == 200
    assert ask(app_client, "k1", "Another")[0] == 422
    assert texts(app_client.poll()) == [("user", "Hi"), ("agent", "slow")]


def test_the_same_key_with_another_app_is_refused_as_far_as_the_caller_may_know(
    server: Server, app: App, other_app: App, model: ScriptedModel
) -> None:
    session_id = str(uuid.uuid4())
    both, others = factories.make_key(app, other_app).plain, factories.make_key(other_app).plain
    with Client(server.url, app=app.slug, key=both, session_id=session_id) as client:
        assert ask(client, "k1")[0] == 200
        client.app = other_app.slug
        assert ask(client, "k1")[1]["code"] == "idempotency_mismatch"
        client.key = others  # a caller without access to the session learns nothing about the keys that were used in it
        assert ask(client, "k1")[1]["code"] == ask(client, "k2")[1]["code"] == "session_not_available"
        assert turns_and_messages(client) == (1, 2)


def test_the_same_key_in_another_session_is_another_turn(server: Server) -> None:
    for _ in range(2):
        with Client(server.url) as client:
            assert len(ask(client, "k1")[1]["messages"]) == 2  # type: ignore[arg-type]


def test_a_failed_turn_is_tried_again_without_storing_it_twice(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(400), refuses(400), says("at last"))
    assert [ask(app_client, "k1")[0] for _ in range(2)] == [502, 502]
    status, snapshot = ask(app_client, "k1")
    assert status == 200
    assert texts(snapshot) == [("user", "Hi"), ("agent", "at last")]
    assert [prompt[-1]["content"] for prompt in model.prompts] == ["Hi"] * 3
    assert ask(app_client, "k1") == (200, {**snapshot, "system_events": []})
    assert Message.objects.filter(session_id=app_client.uuid).count() == 2


def test_a_failed_turn_is_not_retried_after_a_later_turn(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(400), says("next"))
    first = ask(app_client, "k1")
    app_client.chat("Next")
    status, again = ask(app_client, "k1")
    assert (status, {**again, "request_id": ""}) == (502, {**first[1], "request_id": ""})
    assert len(model.requests) == 2


def test_simultaneous_calls_with_one_key_are_one_turn(server: Server, app: App, model: ScriptedModel) -> None:
    key, session_id = factories.make_key(app).plain, str(uuid.uuid4())
    model.will(says("slow", pause=0.5))
    answers = []

    def say() -> None:
        with Client(server.url, app=app.slug, key=key, session_id=session_id) as client:
            answers.append(ask(client, "the key"))

    threads = [threading.Thread(target=say) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    assert {str(texts(snapshot)) for _, snapshot in answers} == {str([("user", "Hi"), ("agent", "slow")])}
    assert len(model.requests) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "ü"])
def test_a_bad_key_is_400(client: Client, key: str) -> None:
    status, body = ask(client, key)
    assert (status, "Idempotency-Key" in str(body["detail"])) == (400, True)


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "foo, respond-async; x", "wait=0, foo"])
def test_prefer_answers_at_once(app_client: Client, model: ScriptedModel, prefer: str) -> None:
    model.will(says("slow", pause=0.5))
    query = {"message": "Hi", "app": str(app_client.app)}
    answer = app_client.request("POST", "/api/chat", params=query, headers={"Prefer": prefer})
    assert answer.json()["is_processing"] is True
    assert texts(app_client.poll())[1] == ("agent", "slow")


def test_prefer_wait_limits_the_wait(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("one", pause=0.3), says("two", pause=1.4))
    query, prefer = {"message": "Hi", "app": str(app_client.app)}, f"wait={round(scaled(1))}"
    answers = [app_client.request("POST", "/api/chat", params=query, headers={"Prefer": prefer}) for _ in range(2)]
    assert [answer.json()["is_processing"] for answer in answers] == [False, True]
    assert {answer.headers["Preference-Applied"] for answer in answers} == {prefer}
    app_client.poll()


def test_since_leaves_out_what_the_client_has(client: Client) -> None:
    first = client.chat("one")["messages"]
    client.chat("two")
    for since, count in ((first[-1]["id"], 2), (first[0]["id"], 3), (str(uuid.uuid4()), 4), ("nonsense", 4)):
        answer = client.request("GET", "/api/state", params={"since": since})
        assert len(answer.json()["messages"]) == count
