"""Helpers of the fault suite: invariants that hold after every fault, and which worker runs which turns."""

import statistics
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psutil
import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession, Message
from tests import factories
from tests.client import Client
from tests.model_server import ModelServer
from tests.product import Server

PATIENT = {"MODEL_GAP_TIMEOUT_SECONDS": "60", "MODEL_FIRST_TOKEN_TIMEOUT_SECONDS": "60", "TURN_TIMEOUT_SECONDS": "60"}


def assert_consistent(session_ids: Iterable[str], *, accepted: Mapping[str, Sequence[str]] | None = None) -> None:
    """Check that positions have no gap, no turn is stuck, and every accepted message is present once and in order.

    Args:
        session_ids: the sessions, all of which must exist.
        accepted: the texts that the API accepted, by session; other sessions' texts are not checked.
    """
    for session_id in session_ids:
        session = ChatSession.objects.get(pk=session_id)
        assert session.status != "processing", session_id
        rows = list(Message.objects.filter(session_id=session.pk).order_by("position"))
        assert [row.position for row in rows] == list(range(session.next_position)), session_id
        users = [row.content for row in rows if row.role == "user"]
        assert len(set(users)) == len(users), users
        if accepted is not None and session_id in accepted:
            assert users == list(accepted[session_id])


def report(title: str, seconds: Sequence[float]) -> None:
    """Print a measured figure; `pytest -s` shows it."""
    middle, worst = statistics.median(seconds), max(seconds)
    print(f"\n[measured] {title}: p50 {middle * 1000:.0f} ms, max {worst * 1000:.0f} ms, n={len(seconds)}")  # noqa: T201


def workers_at_model(server: Server, model_server: ModelServer) -> dict[int, int]:
    """Return how many connections to the model each worker has, by pid; this is the number of its running turns.

    That is true for turns that began since the server started, as long as none has ended: connections are kept open.
    """
    port = urllib.parse.urlsplit(model_server.base_url).port
    counts = {}
    for worker in psutil.Process(server.process.pid).children():
        established = [
            c for c in worker.net_connections() if c.raddr and c.raddr.port == port and c.status == "ESTABLISHED"
        ]
        counts[worker.pid] = len(established)
    return counts


@dataclass
class Talk:
    """Creates clients of one App that do not wait for replies."""

    app: App
    key: str
    made: list[Client]

    def to(self, server: Server, session_id: str | None = None) -> Client:
        client = Client(server.url, app=self.app.slug, key=self.key, session_id=session_id)
        self.made.append(client)
        return client


@pytest.fixture
def talk(app: App) -> Iterator[Talk]:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    talk = Talk(app, factories.make_key(app).plain, [])
    yield talk
    for client in talk.made:
        client.http.close()


@pytest.fixture
def patient(start: Callable[..., Server]) -> Callable[..., Server]:
    """Starts a product with long model timeouts: patient(workers=4, NAME="value")."""

    def start_one(*, workers: int = 4, **more: str) -> Server:
        return start(workers=workers, **{**PATIENT, **more})

    return start_one
