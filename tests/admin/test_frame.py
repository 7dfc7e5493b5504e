"""The console's frame: navigation by permission, one search, times, error pages, and lists by keyboard."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from django.conf import settings
from django.test import Client

from apps_registry.models import App, Tool
from keys.models import Refusal
from sessions_app.models import ChatSession
from tests import factories
from tests.product import NO_TLS, Server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page


def navigation_labels(client: Client, path: str = "/admin/") -> list[str]:
    """The labels in the navigation of a page."""
    text = client.get(path).content.decode()
    navigation = text.partition('<nav id="aomi-nav"')[2].partition("</nav>")[0]
    labels = (part.rpartition("</svg>")[2].rpartition(">")[2] for part in navigation.split("</a>")[1:-1])
    return [label.strip() for label in labels]


def hits(client: Client, text: str) -> dict[str, list[str]]:
    """What the search finds, by kind."""
    answer = client.get("/admin/search/", {"q": text}, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    return {group["kind"]: [hit["title"] for hit in group["hits"]] for group in answer.json()["groups"]}


def test_the_navigation_contains_what_the_operator_may_see(
    admin_client: Client, staff_client: Callable[..., Client]
) -> None:
    assert navigation_labels(admin_client)[:4] == ["Overview", "Apps", "Keys", "Conversations"]
    assert navigation_labels(staff_client()) == ["Overview", "Settings"]
    assert navigation_labels(staff_client("view_turn")) == ["Overview", "Turns", "Settings"]
    assert navigation_labels(staff_client("view_app", "view_tool"), "/admin/apps_registry/app/") == [
        *("Overview", "Apps", "Tools", "Settings")
    ]
    assert "aomi-nav" not in Client().get("/admin/login/").content.decode()


def test_the_head_names_the_environment_and_the_workers(server: Server, admin_client: Client) -> None:
    assert "local" in admin_client.get("/admin/").content.decode().partition('class="aomi-serving"')[2][:60]
    cookies = {settings.SESSION_COOKIE_NAME: admin_client.cookies[settings.SESSION_COOKIE_NAME].value}

    def head() -> str:
        return httpx2.get(f"{server.url}/admin/", cookies=cookies, verify=NO_TLS).text

    wait_until(lambda: bool(re.search(r'class="aomi-serving"[^>]*>local · \d+ workers</a>', head())))


def test_every_list_is_on_the_page_of_settings(admin_client: Client) -> None:
    text = admin_client.get("/admin/settings/").content.decode()
    from django.contrib import admin

    for model in admin.site._registry:
        assert f"/admin/{model._meta.app_label}/{model._meta.model_name}/" in text, model


def test_one_search_finds_things_of_every_kind(admin_client: Client, app: App) -> None:
    wallet = f"0xabc{factories.unique('')[1:]}{'0' * 27}"
    session = factories.make_session(app, [("user", "Hi")], title=f"About {app.slug}", wallet_address=wallet)
    issued = factories.make_key(app, label=f"for {app.slug}")
    turn, request_id = session.turns.get(), "0b0c7f4e-3b0a-4a53-9d4c-1de6a1b7f001"
    refusal = Refusal.objects.create(
        id=int(session.pk) % 2**60, at=datetime.now(UTC), request_id=request_id, status=429, code="c", rule="r"
    )
    named = hits(admin_client, app.slug)
    assert (named["Apps"], named["Keys"], named["Conversations"]) == ([app.slug], [f"for {app.slug}"], [session.title])
    assert hits(admin_client, issued.plain)["Keys"] == [f"for {app.slug}"]
    for text in (str(session.pk), str(session.pk)[:13], str(session.pk).upper()):
        assert hits(admin_client, text)["Conversations"] == [session.title]
    for text in (wallet, wallet.upper().replace("X", "x"), f"{wallet[:6]}…{wallet[-4:]}"):
        assert f"{wallet[:6]}…{wallet[-4:]}" in hits(admin_client, text)["Wallets"]
    assert hits(admin_client, str(turn.pk)) == {"Turns": [f"Turn {str(turn.pk)[:8]}…"]}
    assert hits(admin_client, request_id) == {"Refused calls": ["Refused call 429"]}
    assert hits(admin_client, "operat") == {"Pages": ["Operators"]}
    refusal.delete()


def test_the_search_finds_the_parts_of_apps_and_the_models(
    admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    word = factories.unique("part").replace("-", "_")
    factories.make_http_tool(app, "https://a.example/", name=word)
    factories.make_document(app, "Some text", name=f"{word}.txt")
    model = factories.make_model()
    results = hits(admin_client, word.upper())
    assert (set(results), results["Tools"], len(results["Documents"])) == ({"Tools", "Documents"}, [word], 1)
    assert hits(admin_client, model.name)["Models"] == [model.name]
    assert list(hits(staff_client("view_document"), word)) == ["Documents"]


def test_the_search_finds_built_in_and_client_tools_on_the_page_of_their_app(
    staff_client: Callable[..., Client], app: App
) -> None:
    word, kind = factories.unique("pick").replace("-", "_"), "Built-in and client tools"
    declared = json.dumps({"description": "Picks.", "parameters": {"type": "object", "properties": {}}})
    Tool.objects.create(app=app, kind="client", name=word, definition=declared, is_enabled=False)
    app.tools.get_or_create(kind="builtin", name="calculate")
    client = staff_client("view_app")
    assert hits(client, word.upper()) == {kind: [word]}
    answer = client.get("/admin/search/", {"q": word}).content.decode()
    url = f"/admin/apps_registry/app/{app.pk}/tools/"
    assert url in answer
    assert client.get(url).status_code == 200
    assert "calculate" in hits(client, "calcul")[kind]
    assert kind not in hits(staff_client("view_document"), word)


def test_the_search_finds_only_what_the_operator_may_see(staff_client: Callable[..., Client], app: App) -> None:
    factories.make_session(app, [("user", "Hi")], title=app.slug)
    factories.make_key(app, label=app.slug)
    assert hits(staff_client(), app.slug) == {}
    assert list(hits(staff_client("view_appkey"), app.slug)) == ["Keys"]
    assert Client().get("/admin/search/", {"q": app.slug}).status_code == 302


@pytest.mark.parametrize("text", ["", " ", "a\x00b", "%", "'", "0x", "sk-", "\U0001f389", "x" * 2_000])
def test_no_text_breaks_the_search(admin_client: Client, text: str) -> None:
    hits(admin_client, text)
    assert admin_client.get("/admin/search/", {"q": text}).status_code == 200


def test_headings_name_the_thing(admin_client: Client, app: App) -> None:
    key = factories.make_key(app, label="Partner").app_key
    for path, heading in (
        (f"apps_registry/app/{app.pk}/change/", app.slug),
        ("apps_registry/app/add/", "New App"),
        (f"keys/appkey/{key.pk}/change/", "Partner"),
    ):
        text = admin_client.get(f"/admin/{path}").content.decode()
        assert heading in text.partition("<h1>")[2].partition("</h1>")[0]
        assert heading in text.partition("<title>")[2].partition("</title>")[0]
        assert "Change App" not in text


def test_errors_have_pages_of_the_console(
    server: Server, admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    admin_client.raise_request_exception = False
    refused = staff_client().get(f"/admin/apps_registry/app/{app.pk}/change/")
    missing = admin_client.get("/admin/nothing/", headers={"Accept": "text/html"})
    strict = Client(enforce_csrf_checks=True)
    unsent = strict.post("/admin/login/", {"username": "x"})
    for answer, status, sentence in (
        (refused, 403, "You may not see this page"),
        (missing, 404, "There is nothing at this address."),
        (unsent, 403, "The form was not accepted."),
    ):
        text = answer.content.decode()
        assert (answer.status_code, sentence in text) == (status, True)
        assert "aomi/frame.css" in text
        assert "style=" not in text
    assert "aomi-nav" in missing.content.decode()


@pytest.mark.thorough
@pytest.mark.browser
def test_pages_are_reached_by_keyboard(console: "Page", server: Server, app: App) -> None:
    console.keyboard.press("Control+k")
    console.keyboard.type(app.slug)
    console.wait_for_selector("#aomi-search [role=option][aria-selected=true] >> text=" + app.slug)
    console.keyboard.press("Enter")
    console.wait_for_url(f"**/apps_registry/app/{app.pk}/change/")
    console.goto(f"{server.url}/admin/")
    console.keyboard.press("Control+k")
    console.wait_for_selector("#aomi-search [role=option] >> text=Overview")
    console.keyboard.insert_text(app.slug)  # as if pasted
    console.keyboard.press("Enter")
    console.wait_for_url(f"**/apps_registry/app/{app.pk}/change/")
    factories.make_session(app, title="First")
    console.goto(f"{server.url}/admin/sessions_app/chatsession/?app__id__exact={app.pk}")
    console.keyboard.press("/")
    assert console.evaluate("document.activeElement.id") == "searchbar"
    console.keyboard.press("Escape")
    console.evaluate("document.activeElement.blur()")
    console.keyboard.press("j")
    console.keyboard.press("Enter")
    console.wait_for_selector("h1 >> text=First")


@pytest.mark.thorough
@pytest.mark.browser
def test_times_are_relative_and_exact_on_hover_in_the_operators_zone(
    browser: Any, server: Server, admin_client: Client, app: App
) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    then = datetime.now(UTC) - timedelta(minutes=90)
    ChatSession.objects.filter(pk=session.pk).update(last_active_at=then)
    context = browser.new_context(timezone_id="Asia/Tokyo")
    context.add_cookies([{"name": "sessionid", "value": admin_client.cookies["sessionid"].value, "url": server.url}])
    page = context.new_page()
    page.goto(f"{server.url}/admin/sessions_app/chatsession/?app__id__exact={app.pk}")
    shown = page.locator(".field-last_active time")
    assert shown.inner_text() == "1 hr ago"
    assert (then + timedelta(hours=9)).strftime("%H:%M:%S") in (shown.get_attribute("title") or "")
    assert "Asia/Tokyo" in page.inner_text("#footer")
    context.close()


@pytest.mark.thorough
@pytest.mark.browser
def test_a_phone_has_a_drawer_and_cards(console: "Page", server: Server, app: App) -> None:
    factories.make_session(app, [("user", "Hi")], title="A card")
    console.set_viewport_size({"width": 390, "height": 844})
    console.goto(f"{server.url}/admin/sessions_app/chatsession/?app__id__exact={app.pk}")
    card = console.locator("#result_list tbody tr")
    box = card.bounding_box()
    assert box is not None
    assert box["width"] <= 390
    assert "App" in card.locator(".field-app").evaluate("cell => getComputedStyle(cell, '::before').content")
    assert not console.is_visible("#aomi-nav")
    console.click("[popovertarget=aomi-nav]")
    console.get_by_role("link", name="Apps", exact=True).click()
    console.wait_for_url("**/apps_registry/app/")
