"""kill -9 of one of several workers: its turns end as interrupted, and all others continue."""

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from apps_registry.models import App
from sessions_app.models import ChatSession, Turn
from tests.client import texts
from tests.commands import Result
from tests.faults.conftest import Talk, assert_consistent, report, workers_at_model
from tests.model_server import ModelServer, Reply, ScriptedModel, chunk
from tests.patience import scaled
from tests.product import Server
from tests.sse import Updates

pytestmark = pytest.mark.thorough


def until_stored(session_ids: list[UUID], text: str) -> None:
    """Wait until what has streamed is in Postgres."""
    deadline = time.monotonic() + scaled(10)
    while Turn.objects.filter(session__in=session_ids, partial_text=text).count() < len(session_ids):
        assert time.monotonic() < deadline, "the partial replies were not stored"
        time.sleep(0.05)


def busiest(server: Server, model_server: ModelServer) -> tuple[int, int]:
    """The (pid, number of turns) of the worker with most turns."""
    counts = workers_at_model(server, model_server)
    return max(counts.items(), key=lambda item: item[1])


def test_only_the_turns_of_the_killed_worker_are_interrupted(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel, model_server: ModelServer
) -> None:
    server = patient()
    go_on = threading.Event()
    clients = [talk.to(server) for _ in range(8)]
    for client in clients:
        model.will(Reply([chunk({"content": "Half"}), go_on, chunk({"content": " and whole"}), chunk({}, "stop")]))
        client.chat("Well?")
    until_stored([client.uuid for client in clients], "Half")
    pid, turns = busiest(server, model_server)
    assert turns > 0
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    ended: dict[str, float] = {}
    while len(ended) < turns:
        assert time.monotonic() < killed + scaled(15)
        for client in clients:
            if client.session_id not in ended and client.state()["status"] == "interrupted":
                ended[client.session_id] = time.monotonic() - killed
        time.sleep(0.05)
    report("from kill -9 to 'interrupted', lease of 3 s", list(ended.values()))
    go_on.set()
    for client in clients:
        snapshot = client.poll()
        lost = client.session_id in ended
        assert snapshot["status"] == ("interrupted" if lost else "idle")
        assert texts(snapshot) == [("user", "Well?"), ("agent", "Half" if lost else "Half and whole")]
        client.chat("Next")
        assert texts(client.poll())[2:] == [("user", "Next"), ("agent", "Hello.")]
    assert_consistent(
        [client.session_id for client in clients],
        accepted={client.session_id: ["Well?", "Next"] for client in clients},
    )


def test_readers_hear_that_a_killed_workers_turn_has_ended(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel, model_server: ModelServer
) -> None:
    """The worker that finds the turn expired tells the readers, which would otherwise wait forever."""
    server = patient()
    client = talk.to(server)
    model.will(Reply([chunk({"content": "Half"})], then="hang"))
    client.chat("Well?")
    until_stored([client.uuid], "Half")
    pid, _ = busiest(server, model_server)
    readers = [Updates(client) for _ in range(6)]
    for reader in readers:
        reader.__enter__()
    os.kill(pid, signal.SIGKILL)
    client.poll(15)
    alive = [reader for reader in readers if not reader.ended.is_set()]
    assert alive, "all readers were on the killed worker"
    try:
        for reader in alive:
            reader.wait_for(lambda event: event.get("status") == "interrupted", 3)
    finally:
        for reader in readers:
            reader.__exit__(None, None, None)


def test_the_next_message_is_accepted_without_looking_first(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel, model_server: ModelServer
) -> None:
    """Nobody polls the session: the claim itself finds that the lease has expired."""
    server = patient()
    client = talk.to(server)
    model.will(Reply([chunk({"content": "Half"})], then="hang"))
    client.chat("Well?")
    until_stored([client.uuid], "Half")
    os.kill(busiest(server, model_server)[0], signal.SIGKILL)
    time.sleep(scaled(3.3))  # the lease
    client.chat("Next")
    assert [text for _, text in texts(client.poll())] == ["Well?", "Half", "Next", "Hello."]
    assert_consistent([client.session_id], accepted={client.session_id: ["Well?", "Next"]})


def test_a_session_whose_worker_died_is_pruned_when_due(
    patient: Callable[..., Server],
    talk: Talk,
    model: ScriptedModel,
    manage: Callable[..., Result],
) -> None:
    """A session that is never read again stays `processing`, but must not be kept forever."""
    server = patient(workers=1)
    client = talk.to(server)
    App.objects.filter(slug=str(client.app)).update(retention_days=7)
    model.will(Reply([chunk({"content": "Half"})], then="hang"))
    client.chat("Well?")
    server.kill()
    long_ago = timezone.now() - timedelta(days=4_000)
    ChatSession.objects.filter(pk=client.session_id).update(last_active_at=long_ago, lease_expires_at=long_ago)
    assert manage("prune_sessions").code == 0
    assert not ChatSession.objects.filter(pk=client.session_id).exists()


def test_all_workers_killed_one_after_the_other(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel, model_server: ModelServer
) -> None:
    """Two workers, killed one after the other: the server keeps running and loses no message."""
    server = patient(workers=2)
    clients = [talk.to(server) for _ in range(6)]
    for client in clients:
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        client.chat("Well?")
    until_stored([client.uuid for client in clients], "Half")
    for pid in workers_at_model(server, model_server):
        os.kill(pid, signal.SIGKILL)
        time.sleep(scaled(2))
    for client in clients:
        assert texts(client.poll(15)) == [("user", "Well?"), ("agent", "Half")]
    assert_consistent([c.session_id for c in clients], accepted={c.session_id: ["Well?"] for c in clients})
