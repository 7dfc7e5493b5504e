"""A turn belongs to the worker, not to the request: clients may wait, poll or disconnect."""

import threading
import time
from collections.abc import Callable

import httpx2
import pytest

from apps_registry.models import App
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, chunk, says
from tests.patience import scaled
from tests.product import Server


def test_an_app_that_does_not_wait_answers_at_once(
    serve: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    server = serve(workers=2, MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")
    app_client = Client(server.url, app=app.slug, key=factories.make_key(app).plain)
    go_on = threading.Event()
    model.will(Reply([chunk({"content": "Half"}), go_on, chunk({"content": " and whole."}), chunk({}, "stop")]))
    snapshot = app_client.chat("Hi")
    assert (snapshot["status"], snapshot["is_processing"]) == ("processing", True)
    assert texts(snapshot)[0] == ("user", "Hi")
    while len(snapshot["messages"]) < 2:
        snapshot = app_client.state()
    partial = snapshot["messages"][1]
    assert (partial["content"], partial["is_streaming"]) == ("Half", True)
    go_on.set()
    done = app_client.poll()
    assert done["messages"][1] == {**done["messages"][1], "id": partial["id"], "is_streaming": False}
    assert texts(done) == [("user", "Hi"), ("agent", "Half and whole.")]
    app_client.chat("Next")
    assert texts(app_client.poll())[3] == ("agent", "Hello.")


def test_a_client_that_disconnects_loses_nothing(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("You", " will", " find", " this.", pause=0.2))
    with pytest.raises(httpx2.ReadTimeout):
        app_client.request("POST", "/api/chat", params={"message": "Hi", "app": app_client.app}, timeout=scaled(0.3))
    assert texts(app_client.poll()) == [("user", "Hi"), ("agent", "You will find this.")]


def test_a_session_deleted_while_its_turn_runs_is_gone(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    model.will(says(*["late"] * 10, pause=0.1))
    app_client.chat("Hi")
    assert app_client.request("DELETE", f"/api/sessions/{app_client.session_id}").status_code == 200
    time.sleep(scaled(1.5))
    assert app_client.state()["messages"] == []


def test_a_stopping_server_lets_turns_finish_and_interrupts_the_rest(
    start: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    server = start(MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    key = factories.make_key(app).plain
    short, long = (Client(server.url, app=app.slug, key=key) for _ in range(2))
    model.will(says(*["soon "] * 8, pause=0.1))
    short.chat("Hi")
    model.will(Reply([chunk({"content": "never "})], then="hang"))
    long.chat("Hi")
    time.sleep(scaled(0.3))
    assert server.stop() == 0
    again = start()
    with Client(again.url, app=app.slug, key=key, session_id=short.session_id) as client:
        snapshot = client.state()
        assert (snapshot["status"], texts(snapshot)[1]) == ("idle", ("agent", "soon " * 8))
    with Client(again.url, app=app.slug, key=key, session_id=long.session_id) as client:
        snapshot = client.state()
        assert (snapshot["status"], texts(snapshot)[1]) == ("interrupted", ("agent", "never "))
