"""Sessions: created by clients, isolated, listed."""

import threading
import uuid

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession, Message, SystemEvent, Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel, says
from tests.product import Server


def test_opening_a_thread_is_idempotent(client: Client) -> None:
    answers = [client.request("POST", "/api/sessions") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.json() for answer in answers] == [{"session_id": client.session_id, "title": "New Chat"}] * 3
    assert ChatSession.objects.filter(pk=client.session_id).count() == 1


def test_a_session_takes_the_app_of_its_first_message(client: Client, app: App, other_app: App) -> None:
    client.request("POST", "/api/sessions")
    client.key = factories.make_key(app, other_app).plain
    assert client.chat("Hi", app=app.slug)["app"] == app.slug
    answer = client.post_chat("Hi", app=other_app.slug)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_available")
    assert len(client.state()["messages"]) == 2


def test_a_session_opened_for_an_app_belongs_to_it(client: Client, app: App) -> None:
    assert client.request("POST", "/api/sessions", json={"app": app.slug}).status_code == 401
    assert not ChatSession.objects.filter(pk=client.session_id).exists()
    client.key = factories.make_key(app).plain
    assert client.request("POST", "/api/sessions", json={"app": app.slug}).status_code == 200
    assert client.chat("Hi")["app"] == app.slug  # chat without app= uses the session's own
    client.key = None
    assert client.request("GET", "/api/state").status_code == 401


def test_a_session_that_does_not_exist_is_empty_and_is_not_created(client: Client) -> None:
    assert client.state() == {
        "session_id": client.session_id,
        "app": None,
        "status": "idle",
        "is_processing": False,
        "title": "New Chat",
        "messages": [],
        "system_events": [],
        "user_state": None,
    }
    assert not ChatSession.objects.filter(pk=client.session_id).exists()
    assert client.request("GET", f"/api/sessions/{client.session_id}").status_code == 404


def test_a_session_is_titled_renamed_and_deleted(client: Client) -> None:
    client.chat("What is the   price of ETH?\nAnd why?")
    path = f"/api/sessions/{client.session_id}"
    session = client.request("GET", path).json()
    assert session["title"] == "What is the price of ETH? And why?"
    assert session.keys() == {
        "session_id", "title", "is_archived", "app", "status", "created_at", "last_active_at"
    }  # fmt: skip
    renamed = client.request("PATCH", path, json={"title": "  Prices "})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "Prices")
    assert client.chat("More")["title"] == "Prices"
    assert client.request("DELETE", path).status_code == 200
    assert client.request("DELETE", path).status_code == 404
    assert not ChatSession.objects.filter(pk=client.session_id).exists()
    for model in (Message, Turn, SystemEvent):
        assert not model.objects.filter(session_id=client.uuid).exists()
    assert client.state()["messages"] == []


def test_a_deleted_session_starts_empty_on_every_worker(app_client: Client, model: ScriptedModel) -> None:
    for _ in range(4):  # both workers know it
        app_client.chat("secret of the old session")
    app_client.request("DELETE", f"/api/sessions/{app_client.session_id}")
    snapshots = [app_client.chat("new") for _ in range(4)]
    assert [len(snapshot["messages"]) for snapshot in snapshots] == [2, 4, 6, 8]
    assert "secret" not in str(model.prompts[4:])


@pytest.mark.parametrize("title", [None, "", "   ", "x" * 201, "a\x00b", 7, ["x"]])
def test_a_bad_title_is_refused_by_name(client: Client, title: object) -> None:
    client.chat("Hi")
    answer = client.request("PATCH", f"/api/sessions/{client.session_id}", json={"title": title})
    assert answer.status_code == 400
    assert "title" in answer.json()["detail"]


SPELLINGS = {
    "missing": None,
    "braces": "{{{id}}}",
    "urn": "urn:uuid:{id}",
    "no dashes": "{hex}",
    "too long": "{id}0",
    "space inside": "{id} ",
    "full-width digits": "０{id_tail}",
    "nil": "00000000-0000-0000-0000-000000000000",
    "max": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "words": "my session",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("path", ["POST /api/chat?message=Hi", "GET /api/state", "POST /api/sessions"])
def test_a_session_id_is_a_plain_uuid(client: Client, spelling: str | None, path: str) -> None:
    id_ = client.session_id
    written = spelling and spelling.format(id=id_, hex=uuid.UUID(id_).hex, id_tail=id_[1:])
    if spelling == "{id} ":
        written = f"{id_[:8]} {id_[9:]}"
    client.session_id = written  # type: ignore[assignment]
    method, target = path.split()
    answer = client.request(method, target)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert "X-Session-Id" in answer.json()["detail"]


def test_upper_case_is_the_same_session(client: Client) -> None:
    client.chat("Hi")
    client.session_id = client.session_id.upper()
    assert client.state()["session_id"] == client.session_id.lower()
    assert len(client.chat("Again")["messages"]) == 4
    assert client.request("GET", f"/api/sessions/{client.session_id}").status_code == 200


def test_the_path_must_name_the_headers_session(client: Client) -> None:
    client.chat("Hi")
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.request(method, f"/api/sessions/{uuid.uuid4()}", json={"title": "x"})
        assert answer.status_code == 400
    assert len(client.state()["messages"]) == 2


def test_sessions_in_parallel_do_not_see_each_other(server: Server, app: App, model: ScriptedModel) -> None:
    key = factories.make_key(app).plain
    model.will(*(says("noted", pause=0.05) for _ in range(24)))

    def talk(number: int) -> None:
        with Client(server.url, app=app.slug, key=key) as client:
            for turn in range(3):
                client.chat(f"secret {number} part {turn}")
            seen.append((number, client.state()))

    seen: list[tuple[int, dict[str, object]]] = []
    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    for number, snapshot in seen:
        messages = [text for sender, text in texts(snapshot) if sender == "user"]
        assert messages == [f"secret {number} part {turn}" for turn in range(3)]
    for prompt in model.prompts:
        assert len({message["content"].split()[1] for message in prompt if message["role"] == "user"}) == 1


def test_sixteen_simultaneous_creations_of_an_id_make_one_session(server: Server) -> None:
    session_id = str(uuid.uuid4())
    statuses: list[int] = []

    def open_it() -> None:
        with Client(server.url, session_id=session_id) as client:
            statuses.append(client.request("POST", "/api/sessions").status_code)

    threads = [threading.Thread(target=open_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 16
    assert ChatSession.objects.filter(pk=session_id).count() == 1


def test_of_many_messages_at_once_one_wins(server: Server, app: App, model: ScriptedModel) -> None:
    key, session_id = factories.make_key(app).plain, str(uuid.uuid4())
    model.will(says("slow", pause=1.0))
    statuses: list[int] = []

    def say(number: int) -> None:
        with Client(server.url, app=app.slug, key=key, session_id=session_id) as client:
            answer = client.post_chat(f"message {number}")
            statuses.append(answer.status_code)
            if answer.status_code == 409:
                assert answer.json()["code"] == "session_busy"
                assert int(answer.headers["Retry-After"]) >= 1

    threads = [threading.Thread(target=say, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 11
    assert Message.objects.filter(session_id=uuid.UUID(session_id)).count() == 2
