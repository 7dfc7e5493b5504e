"""PostgreSQL is read-only for a while, as in a failover: writers are told to retry, and nothing is lost."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx2
from django.db import connection
from django.utils import timezone

from apps_registry.models import Document
from keys.models import AppKey
from sessions_app.models import ChatSession, Message, Turn
from tests import factories
from tests.client import texts
from tests.conftest import Operator
from tests.faults.conftest import Talk, assert_consistent
from tests.model_server import Reply, ScriptedModel, chunk
from tests.product import NO_TLS, Server
from tests.waiting import wait_until


@contextmanager
def read_only() -> Iterator[None]:
    """Make the test database read-only for everybody but the test, and break their connections."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        try:
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def expire(session_id: UUID) -> None:
    """Put the session into the state in which a worker that dies during a turn leaves it."""
    turn = Turn.objects.get(session_id=session_id)
    Turn.objects.filter(pk=turn.pk).update(status="running", partial_text="Half", finished_at=None)
    ChatSession.objects.filter(pk=session_id).update(
        status="processing", running_turn=turn.pk, lease_expires_at=timezone.now()
    )


def log_in(http: httpx2.Client, operator: Operator) -> httpx2.Response:
    http.get("/admin/login/")
    form = {"username": operator.username, "password": operator.password, "next": "/admin/"}
    return http.post("/admin/login/", data={**form, "csrfmiddlewaretoken": http.cookies["csrftoken"]})


def readiness(server: Server) -> tuple[int, str]:
    answer = server.get("/readyz", timeout=10)
    return answer.status_code, answer.json()["database"]


def lease_is_over(session_id: UUID) -> bool:
    return ChatSession.objects.filter(pk=session_id, lease_expires_at__lt=timezone.now()).exists()


def test_a_read_only_database_loses_nothing(
    patient: Callable[..., Server], talk: Talk, model: ScriptedModel, operator: Operator
) -> None:
    server = patient(workers=2, TURN_LEASE_SECONDS="3")
    go_on = threading.Event()
    running, abandoned, writer = (talk.to(server) for _ in range(3))
    abandoned.chat("Hi")
    abandoned.poll()
    model.will(Reply([chunk({"content": "before "}), go_on, chunk({"content": "after"}), chunk({}, "stop")]))
    running.chat("Well?")
    with read_only(), httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=30) as http:
        for method, path in (("POST", "/api/chat?message=x"), ("POST", "/api/sessions")):
            answer = writer.request(method, path, params={"app": str(writer.app)} if "message" not in path else None)
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded"), path
            assert int(answer.headers["Retry-After"]) > 0
        AppKey.objects.filter(apps=talk.app).update(last_used_at=None)
        assert writer.state()["messages"] == []  # readers are served, although the key's use cannot be recorded
        refusal = log_in(http, operator)
        assert refusal.status_code == 503
        assert "The database is not available" in refusal.text
        assert int(refusal.headers["Retry-After"]) > 0
        wait_until(lambda: readiness(server) == (503, "read_only"))  # each worker detects it independently
        expire(abandoned.uuid)
        go_on.set()  # the model finishes while nothing can be stored
        for loop in ("turn-leases", "ingest"):
            wait_until(lambda loop=loop: f"{loop} failed and continues" in server.log)  # type: ignore[misc]
        assert not Message.objects.filter(session_id=running.uuid, role="agent").exists()
        # Longer than a lease: the other worker must not end the turn before its own worker has stored the reply.
        wait_until(lambda: lease_is_over(running.uuid))
    # No call concerns these sessions: the loops must have survived.
    wait_until(lambda: ChatSession.objects.get(pk=abandoned.session_id).status == "interrupted")
    wait_until(lambda: ChatSession.objects.get(pk=running.session_id).status == "idle")
    document = factories.make_document(talk.app)
    wait_until(lambda: Document.objects.get(pk=document.pk).state == "ready", seconds=60)
    assert texts(running.state()) == [("user", "Well?"), ("agent", "before after")]
    wait_until(lambda: readiness(server) == (200, "up"), seconds=60)
    writer.chat("Now")
    assert texts(writer.poll()) == [("user", "Now"), ("agent", "Hello.")]
    assert_consistent([running.session_id, writer.session_id], accepted={writer.session_id: ["Now"]})
    metrics = server.get("/metrics", headers={"Authorization": "Bearer metrics-token-of-the-tests"}).text
    for sample in ('aomi_loop_failures_total{loop="turn-leases"}', 'aomi_database_failures_total{fault="read_only"}'):
        assert sample in metrics
    assert 'aomi_refusals_total{code="overloaded",status="503"}' in metrics
    assert "Traceback" not in server.log
