"""The console as a whole: who sees what, what a page costs, and that every page works in a browser."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps_registry.models import App, EmbeddingModel
from keys.models import AppKey
from tests import factories
from tests.admin.test_app_pages import TABS
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

LISTS = (
    "apps_registry/app",
    "apps_registry/document",
    "apps_registry/embeddingmodel",
    "apps_registry/model",
    "apps_registry/provider",
    "keys/appkey",
    "sessions_app/chatsession",
    "sessions_app/turn",
)
VIEW = (
    "view_app",
    "view_document",
    "view_embeddingmodel",
    "view_model",
    "view_provider",
    "view_appkey",
    "view_chatsession",
    "view_turn",
    "view_usage",
)

# How a page shows that something can be added, saved, deleted, issued, revoked or switched.
BUTTONS = (
    'class="addlink"',
    'name="_save"',
    'class="deletelink"',
    "Issue a key",
    "Revoke this key",
    "Make this the default App</a>",
)


def one_of_each(app: App) -> dict[str, Any]:
    """A row for every list."""
    session = factories.make_session(app, [("user", "Hi"), ("agent", "Hello")])
    return {
        "apps_registry/app": app.pk,
        "apps_registry/document": factories.make_document(app).pk,
        "apps_registry/embeddingmodel": EmbeddingModel.objects.get(provider=None, provider_model_id="").pk,
        "apps_registry/model": app.default_model_id,
        "apps_registry/provider": app.default_model.provider_id,
        "keys/appkey": factories.make_key(app, label="L" * 100, owner="o" * 100).app_key.pk,
        "sessions_app/chatsession": session.pk,
        "sessions_app/turn": session.turns.get().pk,
    }


@pytest.mark.thorough
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_loads_without_browser_errors(console: "Page", server: Server, app: App, scheme: Any) -> None:
    """The fixture fails the test when the browser blocked a script or a style, or a page raised an error."""
    console.emulate_media(color_scheme=scheme)
    rows = one_of_each(app)
    paths = ["", *(f"{name}/" for name in LISTS), *(f"{name}/{pk}/change/" for name, pk in rows.items())]
    paths += [f"{name}/{pk}/history/" for name, pk in rows.items()]
    paths += [f"apps_registry/{name}/add/" for name in ("app", "document", "embeddingmodel", "model", "provider")]
    paths += [f"apps_registry/document/search/?app={app.pk}&q=text"]
    paths += [
        "keys/appkey/add/",
        *(f"apps_registry/app/{app.pk}/{view}/" for view in (*TABS, "make-default", "delete")),
    ]
    for path in paths:
        answer = console.goto(f"{server.url}/admin/{path}")
        assert answer is not None
        assert answer.status == 200, path
        width = console.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{path} is {width} pixels too wide"


def test_an_operator_who_may_only_view_sees_every_page_and_no_failing_button(
    staff_client: Callable[..., Client], app: App
) -> None:
    onlooker, rows = staff_client(*VIEW), one_of_each(app)
    start = onlooker.get("/admin/?start").content.decode()
    assert "Add an App" not in start
    assert "See the sessions" in start
    for name, pk in rows.items():
        listed = onlooker.get(f"/admin/{name}/")
        shown = onlooker.get(f"/admin/{name}/{pk}/change/")
        assert (listed.status_code, shown.status_code) == (200, 200), name
        for text in (listed.content.decode(), shown.content.decode()):
            assert [mark for mark in BUTTONS if mark in text] == [], name
        assert "delete_selected" not in listed.content.decode()
    for tab in TABS:
        shown = onlooker.get(f"/admin/apps_registry/app/{app.pk}/{tab}/")
        assert shown.status_code == 200, tab
        content = shown.content.decode().partition('id="content-main"')[2].partition('id="footer"')[0]
        assert [mark for mark in BUTTONS if mark in content] == [], tab
        assert re.search(r'<(button type="submit|textarea|select|input (?!type="hidden"))', content) is None, tab


def test_an_operator_who_may_only_view_cannot_change_anything(staff_client: Callable[..., Client], app: App) -> None:
    onlooker, rows = staff_client(*VIEW), one_of_each(app)
    key = rows["keys/appkey"]
    paths = [f"/admin/{name}/{pk}/{view}/" for name, pk in rows.items() for view in ("change", "delete")]
    paths += [f"/admin/{name}/add/" for name in LISTS]
    paths += [f"/admin/apps_registry/app/{app.pk}/{view}/" for view in (*TABS, "make-default")]
    paths += ["/admin/keys/appkey/revoke/"]
    for path in paths:
        assert onlooker.post(path, {"post": "yes", "ids": str(key)}).status_code == 403, path
    app.refresh_from_db()
    assert not app.is_default
    assert AppKey.objects.get(pk=key).revoked_at is None


@pytest.mark.parametrize("name", LISTS)
def test_staff_without_permissions_and_strangers_see_nothing(
    staff_client: Callable[..., Client], app: App, name: str
) -> None:
    pk, staff = one_of_each(app)[name], staff_client()
    for path in (f"/admin/{name}/", f"/admin/{name}/{pk}/change/", f"/admin/{name}/{pk}/delete/"):
        assert staff.get(path).status_code == 403
        answer = Client().get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")
    assert "curl" in staff.get("/admin/?start").content.decode()


def test_an_operator_who_may_only_issue_keys_can_do_only_that(staff_client: Callable[..., Client], app: App) -> None:
    issuer = staff_client("add_appkey", "view_app")
    assert issuer.get("/admin/keys/appkey/add/").status_code == 200
    fields = {"label": "theirs", "apps": [app.pk], "form_id": "6c0f1c1e-0000-4000-8000-000000000001"}
    issued = issuer.post("/admin/keys/appkey/add/", fields)
    assert f"sk-{app.slug}-" in issued.content.decode()
    assert "/admin/keys/appkey/?" not in issued.content.decode()
    assert "This key's page" not in issued.content.decode()
    assert issuer.get("/admin/keys/appkey/").status_code == 403
    assert issuer.get("/admin/keys/appkey/revoke/").status_code == 403


def test_deleting_an_app_with_sessions_needs_both_permissions(staff_client: Callable[..., Client], app: App) -> None:
    factories.make_session(app, [("user", "Hi")])
    path = f"/admin/apps_registry/app/{app.pk}/delete/"
    half = staff_client("view_app", "delete_app")
    assert "doesn't have permission" in half.get(path).content.decode().replace("&#x27;", "'")
    assert half.post(path, {"post": "yes"}).status_code == 403
    both = staff_client("view_app", "delete_app", "delete_chatsession")
    assert both.post(path, {"post": "yes"}).status_code == 302
    assert not App.objects.filter(pk=app.pk).exists()


@pytest.mark.parametrize("path", ["keys/appkey/add/", "keys/appkey/revoke/", "apps_registry/app/{app}/make-default/"])
def test_every_post_needs_its_csrf_token(admin_client: Client, app: App, path: str) -> None:
    admin_client.handler.enforce_csrf_checks = True
    assert admin_client.post(f"/admin/{path.format(app=app.pk)}", {"ids": "1"}).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_the_queries_of_a_list_do_not_grow_with_its_length(admin_client: Client, app: App, name: str) -> None:
    one_of_each(app)
    admin_client.get(f"/admin/{name}/")  # content types are remembered from the first look on
    before = _queries(admin_client, f"/admin/{name}/")
    for _ in range(4):
        one_of_each(factories.make_app())
    assert _queries(admin_client, f"/admin/{name}/") == before
    assert before <= 12


def test_the_queries_of_a_session_page_do_not_grow_with_the_session(admin_client: Client, app: App) -> None:
    short = factories.make_session(app, [("user", "Hi")])
    long = factories.make_session(app, [("user", "Hi"), ("agent", "Hello")] * 60)
    pages = [f"/admin/sessions_app/chatsession/{session.pk}/change/" for session in (short, long)]
    admin_client.get(pages[0])
    assert _queries(admin_client, pages[0]) == _queries(admin_client, pages[1])


def _queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("value", ["a\x00b", "not-a-uuid", "9" * 30, "\ud7ff", "[", ""])
def test_input_that_no_form_sends_causes_no_server_error(admin_client: Client, value: str) -> None:
    gets = [("sessions_app/chatsession", "status__exact"), ("sessions_app/turn", "model"), ("keys/appkey", "q")]
    for path, name in gets:
        assert admin_client.get(f"/admin/{path}/", {name: value}).status_code < 500
    for path in ("sessions_app/chatsession", "apps_registry/app"):
        data = {"action": "delete_selected", "_selected_action": value}
        assert admin_client.post(f"/admin/{path}/", data).status_code < 500
