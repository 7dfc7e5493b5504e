"""Logins to the console: wrong ones are counted and locked, and cannot overload a worker."""

import collections
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.commands import Result
from tests.conftest import Operator
from tests.product import NO_TLS, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOGIN = "/admin/login/"
PASSWORD = "a password that nobody has"
LIMIT = settings.AXES_FAILURE_LIMIT


@pytest.fixture(autouse=True)
def _no_attempts_left() -> None:
    AccessAttempt.objects.all().delete()


def log_in(server: Server, username: str, password: str, **headers: str) -> httpx2.Response:
    with httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=120, headers=headers) as http:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', http.get(LOGIN).text)
        if token is None:  # the page itself was refused
            return http.get(LOGIN)
        form = {"username": username, "password": password, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
        return http.post(LOGIN, data=form)


def statuses(server: Server, username: str, number: int, **headers: str) -> list[int]:
    return [log_in(server, username, PASSWORD, **headers).status_code for _ in range(number)]


@pytest.mark.thorough
@pytest.mark.browser
def test_an_operator_signs_in_with_a_browser(server: Server, operator: Operator, watched_page: "Page") -> None:
    watched_page.goto(f"{server.url}/admin/")
    watched_page.fill("#id_username", operator.username)
    watched_page.fill("#id_password", operator.password)
    watched_page.click("text=Log in")
    watched_page.wait_for_selector("#aomi-nav >> text=Overview")


@pytest.mark.parametrize("is_known", [True, False])
def test_wrong_logins_lock_the_user_from_that_address(server: Server, operator: Operator, is_known: bool) -> None:
    username = operator.username if is_known else "nobody-of-that-name"
    assert statuses(server, username, LIMIT + 1) == [200] * (LIMIT - 1) + [429] * 2
    refused = log_in(server, username, operator.password)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == settings.AXES_COOLOFF_TIME.total_seconds()
    assert "You are not logged in" in refused.text


def test_another_user_on_the_same_address_logs_in(server: Server, operator: Operator) -> None:
    assert statuses(server, "nobody-of-that-name", LIMIT)[-1] == 429
    assert log_in(server, operator.username, operator.password).status_code == 302


def test_a_lock_covers_other_browsers_but_not_other_addresses(start: Callable[..., Server], operator: Operator) -> None:
    server = start(TRUSTED_PROXIES="127.0.0.1")
    guesser = {"X-Forwarded-For": "192.0.2.1"}
    for number in range(LIMIT):
        log_in(server, operator.username, PASSWORD, **guesser, **{"User-Agent": f"browser {number}"})
    assert log_in(server, operator.username, operator.password, **guesser).status_code == 429
    neighbour = {"X-Forwarded-For": "192.0.2.2"}
    assert log_in(server, operator.username, operator.password, **neighbour).status_code == 302


def test_the_lock_expires_even_if_the_guesses_continue(server: Server, operator: Operator) -> None:
    statuses(server, operator.username, LIMIT)
    locked_at = AccessAttempt.objects.get().attempt_time
    assert statuses(server, operator.username, 3) == [429] * 3
    assert AccessAttempt.objects.get().attempt_time == locked_at
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert log_in(server, operator.username, operator.password).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_a_successful_login_resets_the_count(server: Server, operator: Operator) -> None:
    for _ in range(2):
        assert statuses(server, operator.username, LIMIT - 1) == [200] * (LIMIT - 1)
        assert log_in(server, operator.username, operator.password).status_code == 302


@pytest.mark.thorough
def test_an_operator_can_remove_a_lock(
    server: Server, operator: Operator, admin_client: Client, manage: Callable[..., Result]
) -> None:
    statuses(server, operator.username, LIMIT)
    page = admin_client.get("/admin/axes/accessattempt/")
    assert operator.username in page.content.decode()
    assert "locked" in page.content.decode()
    row = AccessAttempt.objects.get()
    assert admin_client.get(f"/admin/axes/accessattempt/{row.pk}/change/").status_code == 200
    admin_client.post(f"/admin/axes/accessattempt/{row.pk}/delete/", {"post": "yes"})
    assert log_in(server, operator.username, operator.password).status_code == 302
    statuses(server, operator.username, LIMIT)
    assert manage("axes_reset_username", operator.username).code == 0
    assert log_in(server, operator.username, operator.password).status_code == 302


def test_user_names_and_passwords_are_not_stored_or_logged(server: Server) -> None:
    username, secret = "a-name-that-nobody-has", "correct horse battery canary"
    with httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=60) as http:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', http.get(LOGIN).text)
        assert token
        form = {"username": username, "password": secret, "csrfmiddlewaretoken": token[1], "more": "canary-field"}
        for _ in range(LIMIT + 1):
            http.post(f"{LOGIN}?next=canary-query", data=form, headers={"User-Agent": "canary-agent"})
    assert [str(row) for row in AccessAttempt.objects.values() if "canary" in str(row)] == []
    assert AccessAttempt.objects.get().username == username
    assert "canary" not in server.log
    assert username not in server.log
    assert "are locked after too many failures" in server.log


@pytest.mark.thorough
def test_simultaneous_logins_need_little_memory(start: Callable[..., Server], operator: Operator) -> None:
    server = start(PYTHONHASHSEED="1")  # Python reads it at start-up, so this server makes real hashes
    (worker,) = psutil.Process(server.process.pid).children()
    log_in(server, operator.username, operator.password)
    before, peak, is_over = worker.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_over.wait(0.02):
            peak = max(peak, worker.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda number: log_in(server, f"stranger-{number}", PASSWORD), range(30)))
    is_over.set()
    watcher.join()
    status_counts = collections.Counter(answer.status_code for answer in answers)
    assert set(status_counts) <= {200, 503}, status_counts
    assert status_counts[200] >= 1
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 503)
    assert peak - before < 250 * 1024 * 1024  # one hash takes 100 MB
    assert "$m=102400," in User.objects.get(username=operator.username).password  # hashed again, with Django's memory
    assert log_in(server, operator.username, operator.password).status_code == 302
    assert "Traceback" not in server.log
