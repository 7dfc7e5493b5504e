"""Every address of the console, generated from the URL configuration: strangers and App keys open none of them."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver

from apps_registry.models import App
from tests import factories
from tests.admin.conftest import over_http
from tests.patience import scaled
from tests.product import NO_TLS, Server

# The login page, and the address that ends a login, if there is one.
FOR_STRANGERS = {"admin/login/", "admin/logout/"}
# What an operator without any permission gets: own account, and pages that show nothing of which they may not know.
FOR_ALL_OPERATORS = {
    "admin/",
    "admin/jsi18n/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/search/",
    "admin/settings/",  # only superusers see values there
}
VALUES = {"int": "1", "uuid": str(uuid.uuid4()), "str": "x", "path": "x", "slug": "x"}


def addresses(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    """Yield the address of every view of the console, with made-up ids."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("admin/"):
            yield re.sub(r"<(?:(\w+):)?\w+>", lambda name: VALUES[name[1] or "str"], plain(route))


def plain(route: str) -> str:
    """Return the address of a route that is a regular expression, such as those of Django's App lists."""
    return (
        re.sub(r"\(\?P<\w+>([\w|]+)\)", lambda names: names[1].split("|")[0], route).replace("^", "").replace("$", "")
    )


ALL = sorted({plain(address) for address in addresses()})


def test_strangers_and_app_keys_open_no_page_of_the_console(server: Server, app: App) -> None:
    assert len(ALL) > 100
    key = factories.make_key(app).plain
    with_key = {"Authorization": f"Bearer {key}", "AOMI-APP-KEY": key}
    opened = {}
    with httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=scaled(60)) as http:
        for address in ALL:
            for method, headers in (("GET", with_key), ("POST", {})):
                answer = http.request(method, f"/{address}", headers=headers)
                to_login = answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/")
                if not to_login and answer.status_code not in {401, 403, 404, 405}:
                    opened[address] = answer.status_code
    assert opened.keys() == FOR_STRANGERS, opened


def test_an_operator_without_permissions_opens_only_what_shows_nothing(server: Server) -> None:
    browser = Browser()
    browser.force_login(factories.make_operator(is_superuser=False))
    with over_http(server, browser) as http:
        statuses = {address: http.get(f"/{address}").status_code for address in ALL}
    assert {address for address, status in statuses.items() if status not in {302, 401, 403, 404, 405}} == (
        FOR_ALL_OPERATORS
    ), statuses
