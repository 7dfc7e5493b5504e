"""Fixtures for the console: operators with a browser, without one, and with few permissions."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx2
import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests import factories
from tests.conftest import Operator
from tests.patience import scaled
from tests.product import NO_TLS, Server

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

CSRF_TOKEN = "a" * 32
# Every injected script in the tests sets this marker on the page if it runs.
PAYLOADS = (
    "<script>window.hacked = 1</script>",
    '<img src="x" onerror="window.hacked = 1">',
    '"><svg onload="window.hacked = 1">',
    "</pre></details><iframe srcdoc='<script>parent.hacked = 1</script>'></iframe>",
    "{{ 7|add:7 }}{% csrf_token %}",
)
PAYLOAD = " ".join(PAYLOADS)


def is_complaint(line: "ConsoleMessage") -> bool:
    """Whether a line in the browser's console says that something is wrong, rather than a hint."""
    return line.type in {"error", "warning"} and "Failed to load" not in line.text


@pytest.fixture
def watched_page(browser_page: "Page") -> Iterator["Page"]:
    """A browser page; fails the test if the page reported errors."""
    complaints: list[str] = []
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    # A status such as 409 is not an error of the page; a blocked script or style is.
    browser_page.on("console", lambda line: complaints.append(line.text) if is_complaint(line) else None)
    browser_page.on("response", lambda reply: complaints.append(reply.url) if reply.status >= 500 else None)
    yield browser_page
    assert complaints == []


@pytest.fixture
def console(server: Server, admin_client: Client, watched_page: "Page") -> "Page":
    """A browser page whose operator is logged in."""
    # Logging in through the form each time would hash the password, which is slow by design.
    cookie = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
    watched_page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": server.url}])
    watched_page.goto(f"{server.url}/admin/")
    watched_page.wait_for_selector("#aomi-nav >> text=Overview")
    return watched_page


@pytest.fixture
def admin_client(operator: Operator) -> Client:
    """A Django test client whose operator is logged in."""
    client = Client()
    client.force_login(User.objects.get(username=operator.username))
    return client


@contextlib.contextmanager
def over_http(server: Server, logged_in: Client) -> Iterator[httpx2.Client]:
    """An HTTP client with the login of a Django test client."""
    cookies = {settings.SESSION_COOKIE_NAME: logged_in.cookies[settings.SESSION_COOKIE_NAME].value}
    cookies[settings.CSRF_COOKIE_NAME] = CSRF_TOKEN
    with httpx2.Client(base_url=server.url, cookies=cookies, verify=NO_TLS, timeout=scaled(30)) as http:
        yield http


@pytest.fixture
def operator_http(server: Server, admin_client: Client) -> Iterator[httpx2.Client]:
    """An HTTP client with the operator's login."""
    with over_http(server, admin_client) as http:
        yield http


@pytest.fixture
def staff_client() -> Callable[..., Client]:
    """Logs in a user with only these permissions: staff_client("view_app", "add_appkey")."""

    def sign_in(*codenames: str) -> Client:
        user = factories.make_operator(is_superuser=False)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        assert user.user_permissions.count() == len(codenames)
        client = Client()
        client.force_login(user)
        return client

    return sign_in
