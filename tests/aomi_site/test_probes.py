"""Liveness and readiness, and what happens without Postgres."""

from collections.abc import Callable

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


def test_probes_answer_under_the_machines_own_address(server: Server) -> None:
    with Client(server.url) as client:
        for path in ("/livez", "/readyz"):
            assert client.http.get(path, headers={"Host": "10.0.0.5:8000"}).status_code == 200
