"""Apps in the console: add, change, make the default, delete."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client

from apps_registry.models import App, Model, Provider
from apps_registry.services.default_app import make_default
from tests import factories
from tests.client import Client as ApiClient
from tests.patience import scaled
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def default_app() -> Iterator[App]:
    """The default App, which becomes the default again after the test."""
    app = App.objects.get(is_default=True)
    yield app
    make_default(app)


TABS = ("change", "prompt", "models", "tools", "documents", "keys", "releases", "usage", "settings")
TABS_WITH_FORMS = ("prompt", "models", "tools", "documents", "releases", "settings")


def form(app: App, **overrides: Any) -> dict[str, Any]:
    """What the browser sends to save the settings tab of an App unchanged, or to add an App."""
    fields: dict[str, Any] = {
        "name": app.name,
        "reply_wait_seconds": "" if app.reply_wait_seconds is None else app.reply_wait_seconds,
        "max_tool_rounds": app.max_tool_rounds,
        "history_budget_tokens": app.history_budget_tokens,
        "is_active": "on",
        "keeps_stateless_text": "on",
    }
    return {**fields, **overrides}


def new_form(app: App, **overrides: Any) -> dict[str, Any]:
    """What the browser sends to add an App like this one."""
    fields = {"slug": app.slug, "preamble": app.preamble, "document_language": app.document_language}
    return {**form(app), **fields, "default_model": app.default_model_id, **overrides}


def models_form(app: App, *alternatives: Model, **overrides: Any) -> dict[str, Any]:
    """What the browser sends to save the tab with the models, with these alternatives added."""
    fields: dict[str, Any] = {
        "default_model": app.default_model_id,
        "appmodel_set-TOTAL_FORMS": len(alternatives),
        "appmodel_set-INITIAL_FORMS": 0,
    }
    for number, model in enumerate(alternatives):
        fields |= {f"appmodel_set-{number}-model": model.pk, f"appmodel_set-{number}-position": number}
    return {**fields, **overrides}


def tools_form(app: App, **overrides: Any) -> dict[str, Any]:
    """What the browser sends to save the tab with the tools."""
    fields = {
        "builtin_tools": list(app.tools.filter(is_enabled=True, kind="builtin").values_list("name", flat=True)),
        **{f"{rows}-{count}_FORMS": 0 for rows in ("tools", "secrets") for count in ("TOTAL", "INITIAL")},
    }
    return {**fields, **overrides}


def page(app: App, tab: str = "change") -> str:
    return f"/admin/apps_registry/app/{app.pk}/{tab}/"


@pytest.mark.thorough
@pytest.mark.browser
def test_an_app_made_in_the_console_answers(console: "Page", server: Server, model_server: Any) -> None:
    slug, model = factories.unique("made"), factories.make_model(model_server.base_url)
    console.goto(f"{server.url}/admin/?start")
    console.click("text=Add an App")
    console.locator("#id_name").press_sequentially("Made by hand")
    console.wait_for_function(
        "document.querySelector('#id_slug').value === 'made-by-hand'"
    )  # filled in by the page's script
    console.fill("#id_slug", slug)
    console.locator("#id_slug").blur()
    console.fill("#id_preamble", "You are brief.\nVery.\n")
    console.select_option("#id_default_model", label=model.name)
    console.check("input[value=calculate]")
    console.click("input[name=_continue]")
    assert "was added successfully" in console.inner_text(".messagelist")
    assert f'"app": "{slug}"' in console.inner_text("#ready-curl")
    assert "it cannot be called" in console.inner_text("#app-call")
    console.click(".aomi-tabs >> text=Keys")
    assert "it cannot be called" in console.inner_text("#app-keys")

    app = App.objects.get(slug=slug)
    assert app.preamble == "You are brief.\nVery.\n"  # without the CRLF that browsers send
    assert list(app.tools.values_list("name", "is_enabled")) == [("calculate", True)]
    with ApiClient(server.url, app=slug, key=factories.make_key(app).plain) as caller:
        assert caller.chat("Hi")["messages"][-1]["sender"] == "agent"


@pytest.mark.thorough
@pytest.mark.browser
def test_the_default_app_changes_in_two_clicks(console: "Page", server: Server, app: App, default_app: App) -> None:
    console.goto(f"{server.url}/admin/apps_registry/app/?q={app.slug}")
    console.check("#action-toggle")
    console.select_option("select[name=action]", "make_default_action")
    console.click("button[name=index]")
    assert "without a key" in console.inner_text("#content")
    assert App.objects.get(is_default=True) == default_app  # asking changes nothing
    console.click(f"button:has-text('{app.slug}')")
    assert "is the default App" in console.inner_text(".messagelist")
    assert App.objects.get(is_default=True) == app
    with ApiClient(server.url) as stranger:
        assert stranger.chat("Hi")["app"] == app.slug
    with ApiClient(server.url, app=default_app.slug) as stranger:
        assert stranger.post_chat("Hi").status_code == 401
    assert LogEntry.objects.filter(object_id__in=[str(app.pk), str(default_app.pk)]).count() >= 2


def test_an_apps_overview_says_whether_it_takes_calls_without_a_key(
    admin_client: Client, app: App, default_app: App
) -> None:
    for shown, state in ((app, "off"), (default_app, "on")):
        answer = admin_client.get(page(shown)).content.decode()
        assert f"Calls without a key: <strong>{state}</strong>" in answer
        assert f'href="{page(shown, "history")}"' in answer


def test_the_default_app_cannot_be_turned_off(admin_client: Client, default_app: App) -> None:
    fields = form(default_app)
    del fields["is_active"]
    answer = admin_client.post(page(default_app, "settings"), fields)
    assert answer.status_code == 200
    assert "cannot be turned off" in answer.content.decode()
    default_app.refresh_from_db()
    assert default_app.is_active


def test_the_default_app_cannot_be_deleted(admin_client: Client, default_app: App) -> None:
    for tab in TABS:
        assert 'class="deletelink"' not in admin_client.get(page(default_app, tab)).content.decode()
    for answer in (
        admin_client.get(page(default_app, "delete")),
        admin_client.post(page(default_app, "delete"), {"post": "yes"}),
    ):
        assert answer.status_code == 200
        assert "cannot be deleted" in answer.content.decode()
    assert App.objects.filter(pk=default_app.pk).exists()


def test_the_default_app_cannot_be_deleted_among_others(admin_client: Client, app: App, default_app: App) -> None:
    fields = {"action": "delete_selected", "_selected_action": [app.pk, default_app.pk], "post": "yes"}
    answer = admin_client.post("/admin/apps_registry/app/", fields)
    assert answer.status_code == 200
    assert "cannot be deleted" in answer.content.decode()
    assert App.objects.filter(pk__in=[app.pk, default_app.pk]).count() == 2


def test_a_former_default_app_can_be_turned_off(admin_client: Client, app: App, default_app: App) -> None:
    admin_client.post(page(app, "make-default"))
    fields = form(default_app)
    del fields["is_active"]
    assert admin_client.post(page(default_app, "settings"), fields).status_code == 302
    App.objects.filter(pk=default_app.pk).update(is_active=True)


def test_an_app_that_is_off_cannot_become_the_default(admin_client: Client, default_app: App) -> None:
    off = factories.make_app(is_active=False)
    assert "turn it on first" in admin_client.get(page(off, "make-default")).content.decode()
    answer = admin_client.post(page(off, "make-default"), follow=True)
    assert "Turn it on first." in answer.content.decode()
    assert App.objects.get(is_default=True) == default_app
    off.delete()
    with pytest.raises(ValidationError):
        make_default(off)


def test_the_form_cannot_set_the_default(admin_client: Client, app: App, default_app: App) -> None:
    assert admin_client.post(page(app, "settings"), form(app, is_default="on")).status_code == 302
    assert App.objects.get(is_default=True) == default_app


def test_simultaneous_switches_of_the_default_run_one_after_the_other(default_app: App) -> None:
    apps, failures = [factories.make_app() for _ in range(6)], []

    def switch(app: App) -> None:
        try:
            make_default(app)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=switch, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert App.objects.get(is_default=True) in apps


def test_a_form_saved_during_a_switch_does_not_undo_it(admin_client: Client, app: App, default_app: App) -> None:
    statuses = []

    def save() -> None:
        statuses.append(admin_client.post(page(default_app, "settings"), form(default_app)).status_code)
        connection.close()

    saver = threading.Thread(target=save)
    with transaction.atomic():
        make_default(app)
        saver.start()
        wait_for_a_waiter()
    saver.join()
    assert statuses == [302]
    assert App.objects.get(is_default=True) == app


def wait_for_a_waiter() -> None:
    """Wait until another connection waits for a lock."""
    deadline = time.monotonic() + scaled(10)
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
    with connection.cursor() as cursor:
        while not cursor.execute(waiting).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_slug_cannot_be_changed(admin_client: Client, app: App) -> None:
    assert admin_client.post(page(app, "settings"), form(app, slug="another", name="Renamed")).status_code == 302
    changed = App.objects.get(pk=app.pk)
    assert (changed.slug, changed.name) == (app.slug, "Renamed")


@pytest.mark.parametrize("slug", ["A", "Upper", "a", "-a", "a-", "a_b", "ä-b", "x" * 41, "a b", "a\nb"])
def test_a_bad_slug_is_refused(admin_client: Client, app: App, slug: str) -> None:
    answer = admin_client.post("/admin/apps_registry/app/add/", new_form(app, slug=slug))
    assert answer.status_code == 200
    assert "errornote" in answer.content.decode()


def test_tools_are_enabled_and_disabled_by_their_boxes(admin_client: Client, app: App) -> None:
    tools = page(app, "tools")
    assert "Calculate an arithmetic expression" in admin_client.get(tools).content.decode()
    admin_client.post(tools, tools_form(app, builtin_tools=["calculate"]))
    assert set(app.tools.filter(is_enabled=True).values_list("name", flat=True)) == {"calculate"}
    admin_client.post(tools, tools_form(app, builtin_tools=["calculate", "current_time"]))
    assert set(app.tools.filter(is_enabled=True).values_list("name", flat=True)) == {"calculate", "current_time"}
    assert "errornote" in admin_client.post(tools, tools_form(app, builtin_tools=["rm -rf"])).content.decode()


def test_alternatives_keep_their_order_and_exclude_the_default_model(admin_client: Client, app: App) -> None:
    first, second = factories.make_model(), factories.make_model()
    assert admin_client.post(page(app, "models"), models_form(app, second, first)).status_code == 302
    assert [str(row) for row in app.appmodel_set.all()] == [second.name, first.name]
    app.appmodel_set.all().delete()
    answer = admin_client.post(page(app, "models"), models_form(app, app.default_model))
    assert "is already the default model" in answer.content.decode()


def test_deleting_an_app_deletes_its_sessions(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, [("user", "Hi"), ("agent", "Hello")])
    key = factories.make_key(app).app_key
    warning = admin_client.get(page(app, "delete")).content.decode()
    assert "Sessions: 1" in warning
    assert "Turns: 1" in warning
    assert admin_client.post(page(app, "delete"), {"post": "yes"}).status_code == 302
    assert not App.objects.filter(pk=app.pk).exists()
    assert not type(session).objects.filter(pk=session.pk).exists()
    assert list(type(key).objects.get(pk=key.pk).apps.all()) == []


def test_the_list_counts_what_each_app_has(admin_client: Client, app: App) -> None:
    usable = [factories.make_key(app).app_key for _ in range(2)]
    admin_client.post("/admin/keys/appkey/revoke/", {"ids": str(factories.make_key(app).app_key.pk), "reason": "x"})
    sessions = [factories.make_session(app) for _ in range(3)]
    answer = admin_client.get(f"/admin/apps_registry/app/?q={app.slug}")
    (row,) = answer.context["cl"].result_list
    assert (row.tool_total, row.key_total, row.session_total) == (app.tools.count(), len(usable), len(sessions))


def test_a_model_in_use_is_not_deleted(admin_client: Client, app: App) -> None:
    model = app.default_model
    answer = admin_client.post(f"/admin/apps_registry/model/{model.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 200
    assert "protected" in answer.content.decode()
    assert f"{app.slug}" in admin_client.get(f"/admin/apps_registry/model/?q={model.name}").content.decode()


def test_a_provider_shows_whether_it_has_a_key_but_not_the_key(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("TEST_PROVIDER_KEY", "the-secret-value")
    origin = "https://a.example:443"
    settings.PROVIDER_KEY_VARIABLES = {("TEST_PROVIDER_KEY", origin), ("TEST_ABSENT_KEY", origin)}
    slug = factories.unique("p")
    Provider.objects.create(slug=f"{slug}-set", base_url="https://a.example/v1", api_key_env="TEST_PROVIDER_KEY")
    Provider.objects.create(slug=f"{slug}-missing", base_url="https://a.example/v1", api_key_env="TEST_ABSENT_KEY")
    listed = admin_client.get(f"/admin/apps_registry/provider/?q={slug}").content.decode()
    assert ">set<" in listed
    assert ">missing<" in listed
    assert "the-secret-value" not in listed


@pytest.mark.parametrize("path", ["abc/change/", "999999999/change/", "abc/make-default/", "999999999/make-default/"])
def test_the_page_of_an_unknown_app_does_not_fail(admin_client: Client, path: str) -> None:
    assert admin_client.get(f"/admin/apps_registry/app/{path}").status_code in {302, 404}


def test_the_networks_and_origins_of_an_app_are_set_on_its_page(admin_client: Client, server: Server, app: App) -> None:
    key = factories.make_key(app).plain
    fields = {"allowed_origins": "HTTPS://Shop.example:443\r\nhttp://localhost:3000", "trusts_backend_wallets": "on"}
    saved = admin_client.post(page(app, "settings"), form(app, **fields, allowed_networks="203.0.113.0/24"))
    assert saved.status_code == 302, saved.content.decode()
    app.refresh_from_db()
    assert app.allowed_origins == "https://shop.example\nhttp://localhost:3000"
    assert (app.allowed_networks, app.trusts_backend_wallets) == ("203.0.113.0/24", True)
    with ApiClient(server.url, app=app.slug, key=key) as caller:
        assert [caller.post_chat("Hi").json()["code"] for _ in range(6)] == ["network_not_allowed"] * 6
        fields |= {"allowed_networks": "", "refuses_other_origins": "on"}
        assert admin_client.post(page(app, "settings"), form(app, **fields)).status_code == 302
        assert [caller.post_chat("Hi").json()["code"] for _ in range(6)] == ["origin_not_allowed"] * 6


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"allowed_networks": "192.0.2.1/24"}, "write 192.0.2.0/24"),
        ({"allowed_networks": "everywhere"}, "is not an address or a network"),
        ({"allowed_origins": "https://shop.example:99999"}, "is not an origin"),
        ({"refuses_other_origins": "on"}, "Name the allowed origins first"),
    ],
)
def test_an_invalid_or_pointless_limit_is_refused(
    admin_client: Client, app: App, overrides: dict[str, str], complaint: str
) -> None:
    answer = admin_client.post(page(app, "settings"), form(app, **overrides))
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
