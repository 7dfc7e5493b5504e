"""While a stream or a waiting call is open, the caller's access is checked repeatedly, on every worker."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps_registry.models import App
from keys.models import AppKey
from keys.services import revoke_key
from sessions_app.models import ChatSession
from tests import factories
from tests.client import Client, texts
from tests.model_server import ModelServer, Reply, ScriptedModel, chunk
from tests.patience import scaled
from tests.product import Server
from tests.sse import Updates
from tests.waiting import wait_until

STREAM = {"Accept": "text/event-stream"}
# The product promises 2 seconds; a busy machine may be slower.
PATIENCE_SECONDS = scaled(10)


@pytest.fixture
def workers(serve: Callable[..., Server]) -> Server:
    """Two workers with patience for slow models."""
    return serve(workers=2, MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")


@pytest.fixture
def talker(workers: Server, app: App) -> Iterator[Client]:
    """A client with its own key, which is the newest key."""
    with Client(workers.url, app=app.slug, key=factories.make_key(app).plain) as client:
        yield client


def newest_key() -> AppKey:
    return AppKey.objects.latest("created_at")


def revoke(app: App, other: App) -> None:
    revoke_key(newest_key())


def expire(app: App, other: App) -> None:
    AppKey.objects.filter(pk=newest_key().pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def delete_key(app: App, other: App) -> None:
    newest_key().delete()


def move_scope(app: App, other: App) -> None:
    newest_key().apps.set([other])


def switch_off(app: App, other: App) -> None:
    App.objects.filter(pk=app.pk).update(is_active=False)


def delete_session(app: App, other: App) -> None:
    ChatSession.objects.filter(app=app).delete()


# What happens meanwhile, and the error that the caller then gets.
LOSSES = [
    (revoke, "invalid_app_key"),
    (expire, "invalid_app_key"),
    (delete_key, "invalid_app_key"),
    (move_scope, "app_not_authorized"),
    (switch_off, "app_not_authorized"),
]
Loss = tuple[Callable[[App, App], None], str]


@contextmanager
def held(model: ScriptedModel) -> Iterator[None]:
    """A model that has begun to answer, and continues when the block ends."""
    go_on = threading.Event()
    model.will(Reply([chunk({"content": "Once upon "}), go_on, chunk({"content": "a secret."}), chunk({}, "stop")]))
    try:
        yield
    finally:
        go_on.set()


@contextmanager
def reading(*clients: Client) -> Iterator[list[Updates]]:
    """Opens one updates stream for each client."""
    with ExitStack() as stack:
        yield [stack.enter_context(Updates(client)) for client in clients]


class ChatStream:
    """Reads a chat call's stream in a thread."""

    def __init__(self, client: Client, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.begun, self.ended = threading.Event(), threading.Event()
        self._client, self._headers = client, headers
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, type_: str) -> None:
        wait_until(lambda: any(event["type"] == type_ for event in self.events))

    def _read(self) -> None:
        client = self._client
        query = {"message": "Hi", **({"app": client.app} if client.app else {})}
        own = {"X-Session-Id": client.session_id, "AOMI-APP-KEY": client.key, **STREAM, **self._headers}
        headers = {name: value for name, value in own.items() if value is not None}
        with client.http.stream("POST", "/api/chat", params=query, headers=headers) as response:
            assert response.headers["Content-Type"] == "text/event-stream", response.read()
            self.begun.set()
            for line in response.iter_lines():
                if line.startswith("data: "):
                    self.events.append(json.loads(line.removeprefix("data: ")))
        self.ended.set()


@pytest.mark.parametrize("lose", [*(lose_access for lose_access, _ in LOSSES), delete_session])
def test_updates_end_on_every_worker(
    talker: Client, app: App, other_app: App, lose: Callable[[App, App], None]
) -> None:
    talker.chat("Hi")
    with reading(*[talker] * 4) as readers:  # each connection reaches either worker
        lose(app, other_app)
        assert all(reader.ended.wait(PATIENCE_SECONDS) for reader in readers)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_chat_stream_ends_with_the_reason(
    talker: Client, app: App, other_app: App, model: ScriptedModel, loss: Loss
) -> None:
    lose, code = loss
    with held(model):
        stream = ChatStream(talker)
        stream.wait_for("text")
        lose(app, other_app)
        assert stream.ended.wait(PATIENCE_SECONDS)
    assert [event["type"] for event in stream.events] == ["text", "error"]
    assert stream.events[-1]["code"] == code


def test_a_stream_that_joins_another_workers_turn_ends_too(talker: Client, app: App, model: ScriptedModel) -> None:
    with held(model):
        streams = [ChatStream(talker, **{"Idempotency-Key": "one"}) for _ in range(6)]
        assert all(stream.begun.wait(PATIENCE_SECONDS) for stream in streams)
        wait_until(lambda: any(stream.events for stream in streams))
        revoke(app, app)
        assert all(stream.ended.wait(PATIENCE_SECONDS) for stream in streams)
    assert {stream.events[-1]["code"] for stream in streams} == {"invalid_app_key"}
    assert len(model.requests) == 1


@pytest.mark.parametrize("loss", LOSSES)
def test_a_caller_that_loses_access_does_not_get_the_awaited_reply(
    talker: Client, app: App, other_app: App, model: ScriptedModel, loss: Loss
) -> None:
    lose, code = loss
    answers = []
    with held(model):
        call = threading.Thread(target=lambda: answers.append(talker.post_chat("Hi")))
        call.start()
        wait_until(lambda: bool(model.requests))
        lose(app, other_app)
        call.join(PATIENCE_SECONDS)
        assert not call.is_alive(), "it waits for the model"
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (401 if code == "invalid_app_key" else 403, code)
    assert "Once upon" not in answer.text


def test_the_turn_continues_for_callers_who_may_still_read_it(
    workers: Server, talker: Client, app: App, model: ScriptedModel
) -> None:
    first = newest_key()
    other = Client(workers.url, app=app.slug, key=factories.make_key(app).plain, session_id=talker.session_id)
    with held(model), reading(talker, other) as (mine, others):
        stream = ChatStream(talker)
        stream.wait_for("text")
        revoke_key(first)
        assert stream.ended.wait(PATIENCE_SECONDS)
        assert mine.ended.wait(PATIENCE_SECONDS)
        assert texts(other.state())[1] == ("agent", "Once upon ")
        assert other.request("POST", "/api/interrupt").json()["status"] == "interrupted"
        others.wait_for(lambda event: event.get("status") == "interrupted")
        assert not others.ended.is_set()
    other.chat("Go on")
    assert texts(other.state())[-1] == ("agent", "Hello.")


def test_streams_without_a_key_end_when_sessions_are_no_longer_readable_by_id(
    workers: Server, talker: Client, app: App
) -> None:
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True)
    talker.chat("Hi")
    strangers = [Client(workers.url, session_id=talker.session_id) for _ in range(4)]
    with reading(*strangers, talker) as (*outside, inside):
        App.objects.filter(pk=app.pk).update(sessions_readable_by_id=False)
        assert all(reader.ended.wait(PATIENCE_SECONDS) for reader in outside)
        assert not inside.ended.is_set()


def test_streams_without_a_key_end_when_their_session_gets_an_app(workers: Server, talker: Client) -> None:
    strangers = [Client(workers.url, session_id=talker.session_id) for _ in range(4)]
    with reading(*strangers, talker) as (*outside, inside):
        talker.chat("secret")
        assert all(reader.ended.wait(PATIENCE_SECONDS) for reader in outside)
        assert [reader.events for reader in outside] == [[]] * 4
        assert inside.events
        assert not inside.ended.is_set()


def test_streams_without_a_key_end_when_another_app_becomes_the_default(
    workers: Server, app: App, model_server: ModelServer
) -> None:
    default = App.objects.get(is_default=True)
    model = ScriptedModel(model_server, default.default_model.provider_model_id)
    with Client(workers.url) as client, held(model), reading(client) as (reader,):
        stream = ChatStream(client)
        stream.wait_for("text")
        make_default(app, instead_of=default)
        try:
            assert stream.ended.wait(PATIENCE_SECONDS)
            assert reader.ended.wait(PATIENCE_SECONDS)
        finally:
            make_default(default, instead_of=app)
    assert stream.events[-1]["code"] == "invalid_app_key"


def make_default(app: App, *, instead_of: App) -> None:
    with transaction.atomic():
        App.objects.filter(pk=instead_of.pk).update(is_default=False)
        App.objects.filter(pk=app.pk).update(is_default=True)


def test_a_stream_stays_open_for_as_long_as_it_may_be_read(
    workers: Server, talker: Client, app: App, other_app: App
) -> None:
    """It also stays open when the key gains an App, and while checks fail for any reason."""
    with reading(*[talker] * 4) as readers:
        newest_key().apps.add(other_app)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE keys_appkey_apps RENAME TO away")
            try:
                wait_until(lambda: workers.log.count("access-guard failed and continues") >= 3)
            finally:
                cursor.execute("ALTER TABLE away RENAME TO keys_appkey_apps")
        talker.chat("Hi")
        for reader in readers:
            reader.wait_for(lambda event: event.get("status") == "idle")
        revoke(app, other_app)
        assert all(reader.ended.wait(PATIENCE_SECONDS) for reader in readers)
