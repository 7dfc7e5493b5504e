"""pgbouncer in transaction mode between the workers and PostgreSQL: every statement works.

.ci/run also has the suites of sessions, keys, confirmations, updates and faults go through it.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import psycopg

from apps_registry.models import App
from tests import factories
from tests.client import Client, texts
from tests.commands import run_manage
from tests.conftest import Operator
from tests.pooler import Pooler
from tests.product import NO_TLS, Server
from tests.sql_proxy import SqlProxy
from tests.waiting import wait_until


def ready(server: Server) -> tuple[int, list[str]]:
    answer = server.get("/readyz", timeout=10)
    return answer.status_code, answer.json().get("degraded", [])


def talk(server: Server, app: App, key: str) -> list[tuple[str, str]]:
    with Client(server.url, app=app.slug, key=key) as client:
        client.chat("one")
        client.chat("two")
        assert client.request("GET", "/api/control/apps").status_code == 200
        return texts(client.state())


def test_many_calls_at_once_with_every_kind_of_key(
    start: Callable[..., Server], pooler: Pooler, database: str, app: App, other_app: App
) -> None:
    """Named prepared statements once ran as other clients' statements of the same name, including checks of keys."""
    server = start(workers=2, DATABASE_URL=pooler.url, DATABASE_DIRECT_URL=database)
    keys = {keyed_app.pk: factories.make_key(keyed_app).plain for keyed_app in (app, other_app)}
    expected = [("user", "one"), ("agent", "Hello."), ("user", "two"), ("agent", "Hello.")]

    def one(number: int) -> None:
        mine, foreign = (app, other_app) if number % 2 else (other_app, app)
        assert talk(server, mine, keys[mine.pk]) == expected
        with Client(server.url, app=mine.slug, key=keys[foreign.pk]) as client:
            assert client.post_chat("Let me in").status_code == 403
        with Client(server.url, app=mine.slug, key=None) as client:
            assert client.post_chat("Let me in").status_code == 401

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(40)))
    assert ready(server) == (200, [])
    with psycopg.connect(pooler.url, prepare_threshold=None, autocommit=True) as connection:
        counts = [connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() for _ in range(8)]
    assert set(counts) == {(0,)}
    assert "Traceback" not in server.log


def test_a_warm_turn_makes_three_round_trips_through_it_too(
    start: Callable[..., Server], pooler: Pooler, database: str, app: App
) -> None:
    proxy = SqlProxy(pooler.url)
    server = start(DATABASE_URL=proxy.url, DATABASE_DIRECT_URL=database)
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        for _ in range(8):
            client.chat("warm up")
        assert proxy.fewest(lambda: client.chat("counted")) == 3
    server.kill()
    proxy.close()


def test_the_admin_reads_lists_of_choices(
    start: Callable[..., Server], pooler: Pooler, database: str, app: App, operator: Operator
) -> None:
    """Django reads them with cursors that outlive their transaction, unless told not to."""
    server = start(DATABASE_URL=pooler.url, DATABASE_DIRECT_URL=database)
    with httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=30, follow_redirects=True) as http:
        http.get("/admin/login/")
        form = {"username": operator.username, "password": operator.password, "next": "/admin/"}
        form["csrfmiddlewaretoken"] = http.cookies["csrftoken"]
        assert http.post("/admin/login/", data=form).status_code == 200
        pages = (
            f"/admin/apps_registry/app/{app.pk}/change/",
            "/admin/keys/appkey/add/",
            "/admin/sessions_app/chatsession/",
        )
        for page in pages * 3:
            assert http.get(page).status_code == 200
    assert "Traceback" not in server.log


def test_a_bus_that_listens_through_the_pooler_reports_that_it_is_deaf(
    start: Callable[..., Server], pooler: Pooler, app: App
) -> None:
    server = start(workers=2, DATABASE_URL=pooler.url)
    assert talk(server, app, factories.make_key(app).plain)  # chats do not need it
    wait_until(lambda: "DATABASE_DIRECT_URL" in server.log)
    wait_until(lambda: ready(server) == (200, ["bus_deaf"]), seconds=60)
    metrics = server.get("/metrics", headers={"Authorization": "Bearer metrics-token-of-the-tests"}).text
    assert 'aomi_bus_hears{bus="postgres"} 0.0' in metrics


def test_an_invalid_direct_address_is_refused_by_name(environment: dict[str, str]) -> None:
    secret = uuid.uuid4().hex
    done = run_manage("check", environment={**environment, "DATABASE_DIRECT_URL": f"redis://me:{secret}@127.0.0.1/0"})
    assert done.code == 1
    assert "DATABASE_DIRECT_URL is not a PostgreSQL URL" in done.err
    assert secret not in done.err
