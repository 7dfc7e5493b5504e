"""No page of the console is wider than its window, on a phone and on a wide screen, whatever its rows hold.

The pages are those of the URL conf. A page with a new kind of argument needs an example of it in `examples`.
"""

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps_registry.models import App, Document, McpServer, OpenApiSource, OutboundCall
from apps_registry.releases.services import publish
from keys.canaries import make_canary
from keys.models import Refusal
from sessions_app.models import ChatSession
from tests import factories
from tests.admin.test_console import one_of_each
from tests.admin.test_session_pages import hostile_session
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (390, 1440)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WALLET = f"0x{'ab' * 20}"
LONG = "An-unbroken-word-of-outside-text-" * 3
# The stock pages of each object, which have the same templates for all of them.
STOCK = re.compile(r"_(?:history|delete|add)$")


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Yield the path with its arguments in braces, the name and the names of the arguments of every admin page."""
    for pattern in patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            if path.startswith("admin/"):
                yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("admin/") and pattern.name and "^" not in path:
            yield path, pattern.name, re.findall(r"{(\w+)}", path)


def rows(app: App) -> dict[str, Any]:
    """Return a row for every list, by the model as URLs name it, with long and hostile texts."""
    made = one_of_each(app)
    session, turn = hostile_session(app)
    ChatSession.objects.filter(pk=session.pk).update(wallet_address=WALLET)
    Document.objects.filter(app=app).update(
        name=f"{LONG}.txt",
        title=LONG,
        warning=LONG,
        error=LONG,
        tags=[f"{LONG[:37].lower()}{number}" for number in range(9)],
    )
    tool = factories.make_http_tool(app, f"https://api.example.com/{LONG.lower()}", name="a" * 60, description=LONG)
    server = McpServer.objects.create(app=app, slug="m" * 20, url=f"https://mcp.example.com/{LONG.lower()}")
    OpenApiSource.objects.create(app=app, title=LONG, url="https://api.example.com/", content=zlib.compress(b"{}"))
    call = OutboundCall.objects.create(
        app=app, tool="a" * 60, method="GET", host=LONG.lower(), milliseconds=5, received_bytes=5, verdict=LONG
    )
    refusal = Refusal.objects.create(
        id=int(session.pk) % 2**60,
        at=datetime.now(UTC),
        request_id=session.pk,
        status=429,
        code="budget_exhausted",
        rule="money_per_day",
        app=app.slug,
        path=f"/api/{LONG}",
        facts={"limit_of": LONG},
    )
    attempt = AccessAttempt.objects.create(
        username=factories.unique(LONG), ip_address="192.0.2.1", path_info=f"/{LONG}", failures_since_start=1
    )
    return {
        **{name.replace("/", "_"): pk for name, pk in made.items()},
        "sessions_app_chatsession": session.pk,
        "sessions_app_turn": turn.pk,
        "apps_registry_tool": tool.pk,
        "apps_registry_mcpserver": server.pk,
        "apps_registry_outboundcall": call.pk,
        "keys_refusal": refusal.pk,
        "keys_canarykey": make_canary(label=LONG[:90], slug="wiki")[0].pk,
        "axes_accessattempt": attempt.pk,
        "auth_user": factories.make_operator(first_name=LONG, last_name=LONG).pk,
        "auth_group": Group.objects.create(name=factories.unique(LONG)).pk,
    }


def examples(app: App, made: dict[str, Any]) -> dict[str, Any]:
    """Return an example of every argument in the URL of a page, except the id of the stock pages."""
    return {
        "app_id": app.pk,
        "number": publish(app)[0].number,
        "source_id": app.openapi_sources.get().pk,
        "key_id": made["keys_appkey"],
        "model_id": made["apps_registry_model"],
        "server_id": made["apps_registry_mcpserver"],
        "session_id": made["sessions_app_chatsession"],
        "turn_id": made["sessions_app_turn"],
        "pk": made["sessions_app_chatsession"],
        "position": 0,
        "kind": "json",
        "address": WALLET,
        "id": made["auth_user"],
        "content_type_id": 1,
        "what": "draft",
    }


def paths(app: App) -> dict[str, str]:
    """Return the path of every page, by the name of its URL."""
    made = rows(app)
    values = examples(app, made)
    paths_by_name = {}
    for path, name, arguments in routes(get_resolver().url_patterns):
        model = max((key for key in made if name.startswith(f"{key}_")), key=len, default="")
        filled = {**values, **({"object_id": made[model]} if model else {})}
        missing = set(arguments) - filled.keys() - {"object_id"}
        assert not missing, f"{path} has {missing}, of which `examples` has none"
        if "object_id" not in arguments or model:
            paths_by_name[name] = f"/{path.format(**filled)}"
    lists = {f"{registered._meta.app_label}_{registered._meta.model_name}" for registered in admin.site._registry}
    assert lists - {"keys_fusestate"} <= made.keys(), "`rows` lacks a row of a list"
    return paths_by_name


def is_page(client: Client, path: str) -> bool:
    """Whether a GET of the path answers a page, rather than data, a redirect or a refusal."""
    answer = client.get(path, follow=False)
    is_html = answer.headers.get("Content-Type", "").startswith("text/html")
    answer.close()
    return answer.status_code == 200 and is_html


def opened(app: App, client: Client, *, stock: bool) -> list[str]:
    """Return the paths of the stock pages, or those of our own pages."""
    unopened = {"logout", "live_session"}  # the first logs out, the other is a stream
    chosen = [path for name, path in paths(app).items() if name not in unopened and bool(STOCK.search(name)) is stock]
    return [path for path in chosen if is_page(client, path)]


# Fixtures, because they must run before the browser starts, in whose loop no view can run.
@pytest.fixture
def ours(app: App, admin_client: Client) -> list[str]:
    return opened(app, admin_client, stock=False)


@pytest.fixture
def stock(app: App, admin_client: Client) -> list[str]:
    return opened(app, admin_client, stock=True)


def too_wide(console: "Page", server: Server, paths: list[str]) -> list[str]:
    wide = []
    for path in paths:
        console.set_viewport_size({"width": WIDTHS[0], "height": 900})
        console.goto(f"{server.url}{path}")
        for width in WIDTHS:
            console.set_viewport_size({"width": width, "height": 900})
            if (excess := console.evaluate(TOO_WIDE)) > 0:
                wide.append(f"{path} is {excess} pixels wider than {width}")
    return wide


@pytest.mark.thorough
@pytest.mark.browser
def test_no_list_and_no_page_of_an_object_is_too_wide(ours: list[str], console: "Page", server: Server) -> None:
    assert len(ours) > 40
    assert "\n".join(too_wide(console, server, ours)) == ""


@pytest.mark.browser
@pytest.mark.thorough
def test_no_empty_form_no_history_and_no_question_is_too_wide(
    stock: list[str], console: "Page", server: Server
) -> None:
    assert len(stock) > 25
    assert "\n".join(too_wide(console, server, stock)) == ""
