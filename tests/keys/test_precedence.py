"""A flood of calls without a valid key: cheap refusals before Django, and precedence for holders of keys."""

import signal
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx2
import psutil
import psycopg
import pytest
from psycopg.rows import TupleRow

from apps_registry.models import App
from tests import factories
from tests.client import Client
from tests.product import Server
from tests.sql_proxy import SqlProxy
from tests.sse import Updates
from tests.waiting import wait_until

APPS = "/api/control/apps"
PAGE = "https://app.example.com"
SESSION = "550e8400-e29b-41d4-a716-446655440000"
STRANGERS = 60


@pytest.fixture
def proxy(database: str) -> Iterator[SqlProxy]:
    counting = SqlProxy(database)
    yield counting
    counting.close()


def ask(server: Server, path: str = APPS, **headers: str) -> httpx2.Response:
    return server.get(path, headers={"X-Session-Id": SESSION, **headers})


def reads(proxy: SqlProxy) -> int:
    return len([text for text in proxy.statements if "lookup_id" in text])


def test_an_address_over_its_ceiling_costs_no_statement_and_gets_the_usual_answer(
    start: Callable[..., Server], proxy: SqlProxy, app: App
) -> None:
    limits = {"CALLS_PER_SECOND_PER_ADDRESS": "1", "STREAMS_PER_ADDRESS": "1", "CORS_ALLOWED_ORIGINS": PAGE}
    server = start(DATABASE_URL=proxy.url, **limits)
    key = factories.make_key(app).plain
    with Updates(Client(server.url)):
        before = reads(proxy)
        stream = ask(server, "/api/updates")
        assert (stream.status_code, stream.json()["code"]) == (429, "rate_limited")
        assert stream.headers["Connection"] == "close"
        assert reads(proxy) == before
    while ask(server).status_code == 200:
        pass
    before = reads(proxy)
    answers = [ask(server, Origin=PAGE) for _ in range(10)]
    assert reads(proxy) - before < 5  # a slow machine may take seconds, and each allows one call
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE
    door = next(answer for answer in (ask(server, "/v1/models") for _ in range(10)) if answer.status_code == 429)
    assert door.json()["error"]["code"] == "rate_limit_exceeded"
    assert {ask(server, **{"AOMI-APP-KEY": key}).status_code for _ in range(5)} == {200}


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Stop the server's worker; when it continues, it gets everything that was sent meanwhile at once."""
    (worker,) = psutil.Process(server.process.pid).children()
    worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGCONT)


def strangers_before_the_holder(server: Server, key: str, number: int) -> int:
    """Send many calls without a key, then one with a key; return how many were answered before that one."""
    with ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        connections = [stack.enter_context(socket.create_connection(address)) for _ in range(STRANGERS + 1)]
        with stopped(server):
            for index, connection in enumerate(connections):
                is_holder = index == STRANGERS
                own = f"X-Request-Id: holder-{number}\r\nAOMI-APP-KEY: {key}" if is_holder else "X-Request-Id: stranger"
                head = f"GET {APPS} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-Id: {SESSION}\r\n{own}\r\n\r\n"
                connection.sendall(head.encode())
        for connection in connections:
            assert connection.recv(12).endswith(b"200")
    wait_until(lambda: server.log.count("caller=stranger") == (number + 1) * STRANGERS)
    lines = server.log.split(f"caller=holder-{number}")[0]
    return lines.count("caller=stranger") - number * STRANGERS


def test_a_holder_is_answered_before_the_calls_without_a_key_that_came_earlier(
    start: Callable[..., Server], app: App
) -> None:
    server = start()
    key = factories.make_key(app).plain
    assert ask(server, **{"AOMI-APP-KEY": key}).status_code == 200  # now the server knows it
    # The smallest of three, since on a busy machine the holder's connection to PostgreSQL may have to wait.
    assert min(strangers_before_the_holder(server, key, number) for number in range(3)) < STRANGERS / 2


def test_calls_without_a_key_leave_connections_to_postgresql_for_holders(
    start: Callable[..., Server], database: str, app: App
) -> None:
    server = start(DATABASE_URL=database, DATABASE_POOL_SIZE="2")
    key = factories.make_key(app).plain
    assert ask(server, **{"AOMI-APP-KEY": key}).status_code == 200
    with ThreadPoolExecutor(4) as pool, psycopg.connect(database) as blocking, psycopg.connect(database) as watching:
        watching.autocommit = True
        blocking.execute("LOCK TABLE keys_addressuse")
        blocked = [pool.submit(begin_session, server) for _ in range(4)]
        wait_until(lambda: waits_for_a_lock(watching))
        assert {ask(server, **{"AOMI-APP-KEY": key}).status_code for _ in range(20)} == {200}
        assert not any(future.done() for future in blocked)
        blocking.rollback()
        assert {future.result() for future in blocked} == {200}


def begin_session(server: Server) -> int:
    return httpx2.post(
        f"{server.url}/api/sessions", headers={"X-Session-Id": str(uuid.uuid4())}, timeout=60
    ).status_code


def waits_for_a_lock(watching: "psycopg.Connection[TupleRow]") -> bool:
    return bool(watching.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall())
