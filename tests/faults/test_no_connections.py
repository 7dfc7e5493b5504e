"""PostgreSQL has no connection left: callers are told to retry, and readiness says so."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps_registry.models import App
from tests import factories
from tests.client import Client, texts
from tests.product import Server
from tests.waiting import wait_until


class Role:
    """A user of the test database whose connections are counted."""

    def __init__(self) -> None:
        self.name = factories.unique("few").replace("-", "_")
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {self.name} LOGIN")
            for things in ("TABLES", "SEQUENCES", "FUNCTIONS"):
                cursor.execute(f"GRANT ALL ON ALL {things} IN SCHEMA public TO {self.name}")

    def may_have(self, connections: int) -> None:
        """Limit the connections to this number, and end the existing ones."""
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE {self.name} CONNECTION LIMIT {connections}")
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [self.name])

    def drop(self) -> None:
        self.may_have(0)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {self.name}")
            cursor.execute(f"DROP ROLE {self.name}")


@pytest.fixture
def role() -> Iterator[Role]:
    made = Role()
    yield made
    made.drop()


@pytest.mark.parametrize("left", [0, 2])
def test_without_a_connection_callers_are_told_to_retry(
    start: Callable[..., Server], role: Role, database: str, app: App, left: int
) -> None:
    """No connections at all, or too few for the pool, the bus and Django's ORM together."""
    user = database.split("//", 1)[1].split(":", 1)[0]
    server = start(DATABASE_URL=database.replace(f"//{user}:", f"//{role.name}:", 1))
    key = factories.make_key(app).plain

    def ask(_: int) -> int:
        with Client(server.url, app=app.slug, key=key) as client:
            answer = client.post_chat("Hi")
            if answer.status_code == 200:
                return 200
            assert answer.json()["code"] == "overloaded"
            assert int(answer.headers["Retry-After"]) > 0
            return answer.status_code

    role.may_have(left)
    wait_until(lambda: server.get("/readyz", timeout=15).status_code == 503)
    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(ask, range(40))) == {503}
    role.may_have(-1)
    wait_until(lambda: server.get("/readyz", timeout=15).json()["status"] == "ok", seconds=60)
    with Client(server.url, app=app.slug, key=key) as client:
        client.chat("Now")
        assert texts(client.poll()) == [("user", "Now"), ("agent", "Hello.")]
    assert "Traceback" not in server.log
