"""Idempotency-Key, Prefer and since: clients that repeat themselves, and clients in a hurry."""

import threading
import uuid

import pytest

from apps_registry.models import App
from sessions_app.models import Message, Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel, refuses, says
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


def test_a_failed_turn_that_was_overtaken_stays_failed(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(400), says("next"))
    first = ask(app_client, "k1")
    app_client.chat("Next")
    again = ask(app_client, "k1")
    assert again == first
    assert again[0] == 502
    assert len(model.requests) == 2


def test_many_at_once_under_one_key_are_one_turn(server: Server, app: App, model: ScriptedModel) -> None:
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


def test_prefer_waits_at_most_so_long(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("one", pause=0.3), says("two", pause=1.4))
    query = {"message": "Hi", "app": str(app_client.app)}
    answers = [app_client.request("POST", "/api/chat", params=query, headers={"Prefer": "wait=1"}) for _ in range(2)]
    assert [answer.json()["is_processing"] for answer in answers] == [False, True]
    assert {answer.headers["Preference-Applied"] for answer in answers} == {"wait=1"}
    app_client.poll()


def test_since_leaves_out_what_the_client_has(client: Client) -> None:
    first = client.chat("one")["messages"]
    client.chat("two")
    for since, count in ((first[-1]["id"], 2), (first[0]["id"], 3), (str(uuid.uuid4()), 4), ("nonsense", 4)):
        answer = client.request("GET", "/api/state", params={"since": since})
        assert len(answer.json()["messages"]) == count
