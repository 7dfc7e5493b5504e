"""The three-tier loader: what each tier serves, what a turn costs, and what survives a crash."""

import re
import threading
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
from django.db import transaction

from apps_registry.models import App
from apps_registry.releases.services import publish
from sessions_app.models import ChatSession, Message, Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, chunk, says
from tests.patience import scaled
from tests.product import Server
from tests.sql_proxy import SqlProxy

TOKEN = {"Authorization": "Bearer metrics-token-of-the-tests"}


def loads(server: Server) -> dict[str, float]:
    """The loader's counters by tier."""
    text = server.get("/metrics", headers=TOKEN).text
    return {tier: float(n) for tier, n in re.findall(r'aomi_session_loads_total\{tier="(\w+)"\} (\S+)', text)}


def test_memory_then_postgres_then_create(start: Callable[..., Server]) -> None:
    server = start()
    with Client(server.url) as client:
        client.chat("first")
        assert loads(server) == {"created": 1}
        client.chat("second")
        client.state()
        assert loads(server) == {"created": 1, "memory": 2}
    again = start()
    with Client(again.url, session_id=client.session_id) as client:
        assert len(client.chat("third")["messages"]) == 6
        assert loads(again) == {"postgres": 1}


def test_metrics_are_for_those_who_know_the_token(server: Server) -> None:
    assert server.get("/metrics").status_code == 404
    assert server.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 404


@pytest.fixture
def proxy(database: str) -> Iterator[SqlProxy]:
    running = SqlProxy(database)
    yield running
    running.close()


@pytest.mark.parametrize(("history", "keeps"), [(10, True), (1_000, False)])
def test_a_warm_turn_makes_three_round_trips_however_long_the_session(
    start: Callable[..., Server], proxy: SqlProxy, app: App, history: int, keeps: bool
) -> None:
    """Also if the session keeps a release that is no longer live, and if the App keeps requests."""
    kept_days = None if keeps else 1
    App.objects.filter(pk=app.pk).update(sessions_keep_release=keeps, preamble="One.", keeps_requests_days=kept_days)
    release, _ = publish(app)
    App.objects.filter(pk=app.pk).update(preamble="Two.")
    publish(app)
    session = factories.make_session(app, [("user", "q"), ("agent", "a")] * (history // 2), release=release)
    server = start(DATABASE_URL=proxy.url)
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain, session_id=str(session.id)) as client:
        for _ in range(8):  # psycopg prepares a statement at its sixth use; the pool settles
            client.chat("warm up")
        assert proxy.fewest(lambda: client.chat("counted"), times=25) == 3  # the key, the claim, the finish


def test_a_session_over_the_entry_limit_is_served_from_postgres(start: Callable[..., Server]) -> None:
    server = start(SESSION_CACHE_ENTRY_BYTES="4000")
    with Client(server.url) as client:
        for number in range(4):
            client.chat(f"message {number} {'x' * 500}")
        assert len(client.state()["messages"]) == 8
    assert loads(server)["postgres"] >= 1


def test_the_memory_tier_is_bounded_by_bytes(start: Callable[..., Server]) -> None:
    server = start(SESSION_CACHE_TOTAL_BYTES="8000", SESSION_CACHE_ENTRY_BYTES="8000")
    clients = [Client(server.url) for _ in range(12)]
    for client in clients:
        client.chat("Hi")
    counted = loads(server)
    clients[-1].chat("still in memory")
    assert loads(server)["memory"] == counted.get("memory", 0) + 1
    clients[0].chat("long gone")  # the least recently used copy was dropped first
    assert loads(server)["postgres"] == counted.get("postgres", 0) + 1
    assert len(clients[0].state()["messages"]) == 4


def test_history_survives_kill_9(start: Callable[..., Server]) -> None:
    server = start(workers=2)
    with Client(server.url) as client:
        client.chat("remember me")
    server.kill()
    again = start(workers=2)
    with Client(again.url, session_id=client.session_id) as client:
        assert texts(client.chat("still there?"))[0] == ("user", "remember me")


def test_a_turn_whose_worker_was_killed_reads_as_interrupted(
    start: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    model.will(Reply([chunk({"content": "As I was say"}), 0.5, chunk({"content": "ing"})], then="hang"))
    server = start(MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")
    key = factories.make_key(app).plain
    client = Client(server.url, app=app.slug, key=key)

    def ask() -> None:
        with pytest.raises(httpx2.TransportError):
            client.post_chat("Well?")

    waiting = threading.Thread(target=ask)
    waiting.start()
    deadline = time.monotonic() + scaled(10)
    while not Turn.objects.filter(session_id=client.uuid, partial_text="As I was saying").exists():
        assert time.monotonic() < deadline, "the partial reply was not stored"
        time.sleep(scaled(0.1))
    server.kill()
    waiting.join()
    again = start()
    with Client(again.url, app=app.slug, key=key, session_id=client.session_id) as client:
        snapshot = client.poll(15)
        assert snapshot["status"] == "interrupted"
        assert texts(snapshot) == [("user", "Well?"), ("agent", "As I was saying")]
        assert texts(client.chat("Go on"))[2:] == [("user", "Go on"), ("agent", "Hello.")]
    positions = Message.objects.filter(session_id=client.uuid).values_list("position", flat=True)
    assert list(positions) == [0, 1, 2, 3]
    assert not ChatSession.objects.filter(pk=client.session_id, status="processing").exists()


def test_workers_agree_on_a_session(server: Server, app: App, model: ScriptedModel) -> None:
    """Requests reach any worker: a copy in memory is never used if its version is old."""
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        for number in range(20):
            model.will(says(f"reply {number}"))
            snapshot = client.chat(f"message {number}")
            assert len(snapshot["messages"]) == 2 * number + 2
            assert client.state()["messages"] == snapshot["messages"]
    positions = Message.objects.filter(session_id=client.uuid).values_list("position", flat=True)
    assert list(positions) == list(range(40))


def test_a_locked_row_does_not_affect_other_turns(start: Callable[..., Server], app: App, model: ScriptedModel) -> None:
    """During an operator's long transaction on one session, the leases of all other turns are renewed."""
    server = start(MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")
    onlooker = start()
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    key = factories.make_key(app).plain
    held, other = (Client(server.url, app=app.slug, key=key) for _ in range(2))
    for client in (held, other):
        model.will(Reply([chunk({"content": "x"}), 6.0, chunk({}, "stop")]))
        client.chat("Hi")
    with transaction.atomic():
        ChatSession.objects.select_for_update().get(pk=held.session_id)
        time.sleep(scaled(4.5))  # longer than a lease
        with Client(onlooker.url, app=app.slug, key=key, session_id=other.session_id) as client:
            assert client.state()["status"] == "processing"
    assert texts(other.poll())[1] == ("agent", "x")
    held.poll()
