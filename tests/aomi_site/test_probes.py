"""Liveness and readiness, and what happens without Postgres."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests import factories
from tests.client import Client
from tests.product import Server
from tests.sql_proxy import SqlProxy


def test_a_server_without_postgres_is_alive_but_not_ready(start: Callable[..., Server], database: str) -> None:
    proxy = SqlProxy(database)
    server = start(DATABASE_URL=proxy.url)
    with Client(server.url) as client:
        client.chat("Hi")
        proxy.close()
        assert client.http.get("/livez").status_code == 200
        assert client.http.get("/readyz").status_code == 503
        answer = client.post_chat("Hi")
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) > 0
    server.kill()


def test_many_probes_cause_few_writes(start: Callable[..., Server], database: str) -> None:
    proxy = SqlProxy(database)
    server = start(DATABASE_URL=proxy.url)
    began, before = time.monotonic(), len(proxy.statements)
    with ThreadPoolExecutor(8) as threads:
        statuses = set(threads.map(lambda _: server.get("/readyz", timeout=30).status_code, range(60)))
    assert statuses == {200}
    writes = [statement for statement in proxy.statements[before:] if "storeprobe" in statement]
    assert len(writes) <= 1 + (time.monotonic() - began) / 3
    server.kill()
    proxy.close()


def test_a_model_that_keeps_failing_degrades_the_server(start: Callable[..., Server]) -> None:
    app = factories.make_app()  # its model's address refuses
    server = start()
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        assert client.http.get("/readyz").json()["status"] == "ok"
        for _ in range(5):
            assert client.post_chat("Hi").status_code == 502
        answer = client.http.get("/readyz")
    assert (answer.status_code, answer.json()["degraded"]) == (200, ["model_down"])


def test_probes_answer_under_the_machines_own_address(server: Server) -> None:
    with Client(server.url) as client:
        for path in ("/livez", "/readyz"):
            assert client.http.get(path, headers={"Host": "10.0.0.5:8000"}).status_code == 200
