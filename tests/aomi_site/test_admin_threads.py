"""The admin's threads and connections are limited for each worker, however many requests arrive."""

import asyncio
import collections
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from aomi_site.serving import stock_handler
from tests import factories
from tests.conftest import Operator
from tests.product import NO_TLS, Server
from tests.waiting import wait_until

THREADS = 3
ORM_THREADS = 4  # of run_orm
# Django looks up only cookies that have the length of a session key.
MADE_UP_COOKIE = {"sessionid": "x" * 32}


def connections_of(name: str) -> int:
    """How many connections the server's ORM holds, by its application name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        return int(cursor.fetchone()[0])


def threads_of(server: Server) -> int:
    return sum(worker.num_threads() for worker in psutil.Process(server.process.pid).children())


def marked(database: str, name: str) -> str:
    return f"{database}{'&' if '?' in database else '?'}application_name={name}"


def test_requests_without_a_login_leave_no_connections(start: Callable[..., Server], database: str) -> None:
    name = factories.unique("admin")
    server = start(DATABASE_URL=marked(database, name), ADMIN_THREADS=str(THREADS))
    seen: list[int] = []

    def ask(number: int) -> int:
        path = ("/admin/", "/admin/login/", "/nothing-here", "/")[number % 4]
        headers = {"Cookie": f"sessionid={number:032}"}
        status = httpx2.get(f"{server.url}{path}", headers=headers, verify=NO_TLS, timeout=60).status_code
        if number % 20 == 0:
            seen.append(threads_of(server))
        return status

    with ThreadPoolExecutor(16) as pool:
        answers = collections.Counter(pool.map(ask, range(200)))
    assert set(answers) <= {200, 302, 404}, answers
    assert 1 <= connections_of(name) <= THREADS + ORM_THREADS
    assert max(seen) <= min(seen) + 40  # the interpreter's own pools also grow up to a bound


def test_requests_beyond_the_queue_are_refused_at_once(start: Callable[..., Server], database: str) -> None:
    server = start(ADMIN_THREADS="2")
    with ThreadPoolExecutor(100) as pool:

        def ask(number: int) -> httpx2.Response:
            return httpx2.get(f"{server.url}/admin/", cookies=MADE_UP_COOKIE, verify=NO_TLS, timeout=60)

        with connection.cursor() as cursor:  # no session can be read: every thread waits
            cursor.execute("BEGIN; LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
            try:
                asked = [pool.submit(ask, number) for number in range(90)]
                wait_until(lambda: sum(one.done() for one in asked) >= 90 - 66)
                assert server.get("/livez").status_code == 200
                assert server.get("/static/aomi/console.css").status_code == 200
            finally:
                cursor.execute("ROLLBACK")
        answers = [one.result() for one in asked]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 90 - 66
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert {answer.status_code for answer in answers} <= {302, 503}
    assert httpx2.get(f"{server.url}/admin/", verify=NO_TLS, timeout=60).status_code == 302


def test_clients_that_leave_or_stall_occupy_no_thread(start: Callable[..., Server], operator: Operator) -> None:
    server = start(ADMIN_THREADS="2")
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf"
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    for sock in slow:
        sock.sendall(head)
    assert [server.get("/admin/login/", timeout=30).status_code for _ in range(5)] == [200] * 5
    for sock in slow:
        sock.close()
    for _ in range(20):  # disconnected before they are answered
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"GET /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid=" + b"x" * 32 + b"\r\n\r\n")
    assert [server.get("/admin/login/", timeout=30).status_code for _ in range(5)] == [200] * 5
    assert "Traceback" not in server.log


def test_static_files_are_complete_and_cacheable(server: Server) -> None:
    path = "/static/admin/css/base.css"
    first = server.get(path)
    assert (first.status_code, first.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert len(first.content) == int(first.headers["Content-Length"]) > 1000
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    again = server.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx2.head(f"{server.url}{path}", verify=NO_TLS).headers["Content-Length"] == str(len(first.content))
    assert httpx2.post(f"{server.url}{path}", verify=NO_TLS).status_code == 405
    assert server.get("/static/../aomi_site/settings.py").status_code == 404
    assert server.get("/static/admin/css/nothing.css").status_code == 404


def test_an_idle_thread_closes_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_handler, "IDLE_SECONDS", 0.05)
    lanes = stock_handler.Lanes(1)

    @sync_to_async
    def connect() -> None:
        connection.ensure_connection()  # looked up here, in the lane's thread

    @sync_to_async
    def is_connected() -> bool:
        return connection.connection is not None

    async def use() -> list[bool]:
        async with lanes.borrowed():
            await connect()
            connected = [await is_connected()]
        while len(connected) < 2 or connected[-1]:
            await asyncio.sleep(0.2)
            async with lanes.borrowed():
                connected.append(await is_connected())
        return connected

    connected = asyncio.run(asyncio.wait_for(use(), 30))
    assert (connected[0], connected[-1]) == (True, False)
