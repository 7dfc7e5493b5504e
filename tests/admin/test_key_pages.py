"""App keys in the console: shown once, limited to their scope, revoked permanently."""

import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps_registry.models import App
from apps_registry.releases.services import publish, run_draft
from keys.models import AppKey, LimitSet
from keys.services import revoke_key, rotate_key
from tests import factories
from tests.client import Client as ApiClient
from tests.conftest import Operator
from tests.needs import program
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY = re.compile(r"sk-[a-z0-9-]+-[0-9A-Za-z]{46}")
ADD = "/admin/keys/appkey/add/"


def form(app: App, **overrides: Any) -> dict[str, Any]:
    """What the browser sends to issue a key."""
    fields = {"label": factories.unique("key"), "apps": [app.pk], "expiry": "", "form_id": str(uuid.uuid4())}
    return {**fields, **overrides}


def issue_in_browser(console: "Page", server: Server, app: App, label: str) -> str:
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/keys/")
    console.click("text=Issue a key for this App")
    console.fill("#id_label", label)
    with console.expect_response(lambda reply: reply.request.method == "POST") as answer:
        console.click("text=Issue the key")
    assert answer.value.status == 200
    assert "no-store" in answer.value.headers["cache-control"]
    return console.input_value("#new-key")


def answers(server: Server, app: App, key: str) -> int:
    """The status that a caller of the App gets with this key."""
    with ApiClient(server.url, app=app.slug, key=key) as caller:
        return caller.post_chat("Hi").status_code


@pytest.mark.thorough
@pytest.mark.browser
def test_a_new_key_is_shown_once_and_opens_its_app(console: "Page", server: Server, app: App) -> None:
    from playwright.sync_api import Error as PlaywrightError

    label = factories.unique("once")
    plain = issue_in_browser(console, server, app, label)
    assert answers(server, app, plain) == 200
    app_key = AppKey.objects.get(label=label)
    assert list(app_key.apps.all()) == [app]

    console.reload()  # sends the form again
    assert "Nothing new was issued" in console.inner_text("#content")
    assert not KEY.search(console.content())
    console.go_back()
    assert not KEY.search(console.content())
    # The browser kept no copy: it asks whether to send the form again, and a headless browser fails like this.
    with pytest.raises(PlaywrightError, match="ERR_CACHE_MISS"):
        console.go_forward()
    console.wait_for_url("chrome-error://chromewebdata/")
    for path in ("", f"{app_key.pk}/change/", f"{app_key.pk}/history/"):
        console.goto(f"{server.url}/admin/keys/appkey/{path}")
        assert not KEY.search(console.content())
        assert app_key.secret_hash not in console.content()
    assert AppKey.objects.filter(label=label).count() == 1


@pytest.mark.thorough
@pytest.mark.browser
def test_the_key_leaves_the_page_when_the_page_is_left(console: "Page", server: Server, app: App) -> None:
    plain = issue_in_browser(console, server, app, factories.unique("left"))
    assert plain in console.content()
    console.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert plain not in console.content()


@pytest.mark.thorough
@pytest.mark.browser
def test_the_copy_buttons_copy(console: "Page", server: Server, app: App) -> None:
    console.context.grant_permissions(["clipboard-read", "clipboard-write"])
    plain = issue_in_browser(console, server, app, factories.unique("copy"))
    console.click("[data-copy=new-key]")
    console.wait_for_selector("text=Copied")
    assert console.evaluate("navigator.clipboard.readText()") == plain
    console.click("[data-copy=ready-curl]")
    console.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('curl ')")
    assert plain in console.evaluate("navigator.clipboard.readText()")


@pytest.mark.thorough
@pytest.mark.browser
def test_the_command_works_when_pasted(console: "Page", server: Server, app: App) -> None:
    program("curl", package="curl")
    issue_in_browser(console, server, app, factories.unique("paste"))
    pasted = subprocess.run(console.inner_text("#ready-curl"), shell=True, capture_output=True, check=True, timeout=60)
    snapshot = json.loads(pasted.stdout)
    assert snapshot["app"] == app.slug
    assert [message["sender"] for message in snapshot["messages"]] == ["user", "agent"]


@pytest.mark.thorough
@pytest.mark.browser
def test_a_key_revoked_on_its_page_is_refused_at_once(console: "Page", server: Server, app: App) -> None:
    issued = factories.make_key(app)
    assert answers(server, app, issued.plain) == 200
    console.goto(f"{server.url}/admin/keys/appkey/{issued.app_key.pk}/change/")
    console.click("text=Revoke this key")
    assert answers(server, app, issued.plain) == 200  # asking is not revoking
    console.fill("#id_reason", "leaked in a log")
    console.click("button:has-text('Revoke the key')")
    assert "1 key is revoked" in console.inner_text(".messagelist")
    assert [answers(server, app, issued.plain) for _ in range(6)] == [401] * 6  # on either worker
    assert console.locator("input[name=_save], a[href*='/revoke/']").count() == 0


@pytest.mark.thorough
@pytest.mark.browser
def test_keys_revoked_from_the_list_are_refused(console: "Page", server: Server, app: App) -> None:
    label = factories.unique("bulk")
    plain = [factories.make_key(app, label=f"{label} {number}").plain for number in range(3)]
    console.goto(f"{server.url}/admin/keys/appkey/?q={label}")
    console.check("#action-toggle")
    console.select_option("select[name=action]", "revoke_selected")
    console.click("button[name=index]")
    console.fill("#id_reason", "contract ended")
    console.click("button:has-text('Revoke 3 keys')")
    assert "3 keys are revoked" in console.inner_text(".messagelist")
    assert [answers(server, app, key) for key in plain] == [401] * 3


@pytest.mark.thorough
@pytest.mark.browser
def test_a_changed_scope_applies_to_the_next_request(console: "Page", server: Server, app: App, other_app: App) -> None:
    issued = factories.make_key(app)
    assert answers(server, other_app, issued.plain) == 403
    console.goto(f"{server.url}/admin/keys/appkey/{issued.app_key.pk}/change/")
    console.check(f"input[name=apps][value='{other_app.pk}']")
    console.uncheck(f"input[name=apps][value='{app.pk}']")
    console.click("input[name=_save]")
    assert "changed successfully" in console.inner_text(".messagelist")
    assert answers(server, other_app, issued.plain) == 200
    assert answers(server, app, issued.plain) == 403


def test_a_repeated_form_issues_nothing_and_shows_no_key(admin_client: Client, app: App) -> None:
    fields = form(app)
    assert KEY.search(admin_client.post(ADD, fields).content.decode())
    again = admin_client.post(ADD, fields)
    assert again.status_code == 409
    assert "Nothing new was issued" in again.content.decode()
    assert not KEY.search(again.content.decode())
    assert AppKey.objects.filter(label=fields["label"]).count() == 1


def test_a_double_click_issues_one_key(operator: Operator, app: App) -> None:
    fields, statuses, user = form(app), [], User.objects.get(username=operator.username)

    def send() -> None:
        client = Client()
        client.force_login(user)
        statuses.append(client.post(ADD, fields).status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 5
    assert AppKey.objects.filter(label=fields["label"]).count() == 1


def test_the_page_with_the_key_is_not_stored_or_redirected_to(admin_client: Client, app: App) -> None:
    answer = admin_client.post(ADD, form(app))
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert "messages" not in answer.cookies
    stored = [value for value in admin_client.session.values() if KEY.search(str(value))]
    assert stored == []


def test_the_page_with_the_key_says_how_to_call_each_app(admin_client: Client, app: App, other_app: App) -> None:
    shown = " ".join(admin_client.post(ADD, form(app, apps=[app.pk, other_app.pk])).content.decode().split())
    _, other = sorted([app.slug, other_app.slug])
    advice = shown.partition('id="other-apps"')[2].partition("</p>")[0]
    assert "and the session id" in advice
    assert re.findall(r'"app": "([^"]+)"', advice) == [other]
    assert "other-apps" not in admin_client.post(ADD, form(app)).content.decode()


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"label": "  "}, "This field is required"),
        ({"label": "x" * 101}, "at most 100 characters"),
        ({"label": "a\x00b"}, "Null characters"),
        ({"apps": []}, "Tick at least one App"),
        ({"apps": [999_999_999]}, "is not one of the available choices"),
        ({"apps": ["<b>"]}, "is not a valid value"),
        ({"expiry": "soon"}, "is not one of the available choices"),
        ({"expiry": "date"}, "Choose the last day"),
        ({"expiry": "date", "expires_on": "31.12."}, "Enter a valid date"),
        ({"expiry": "date", "expires_on": "2020-01-01"}, "That day is over"),
        ({"allowed_origins": "https://a.example\nshop"}, "&#x27;shop&#x27; is not an origin"),
        ({"allowed_networks": "192.0.2.1/24"}, "write 192.0.2.0/24"),
        ({"allowed_networks": "\n".join(f"10.0.0.{number}" for number in range(101))}, "at most 100 networks"),
        ({"form_id": ""}, "This form is incomplete"),
        ({"form_id": "guess"}, "This form is incomplete"),
    ],
)
def test_an_invalid_form_shows_errors_and_issues_nothing(
    admin_client: Client, app: App, overrides: dict[str, Any], complaint: str
) -> None:
    answer = admin_client.post(ADD, form(app, **overrides))
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert not app.keys.exists()


def test_a_corrected_form_issues_the_key(admin_client: Client, app: App) -> None:
    fields = form(app)
    admin_client.post(ADD, {**fields, "apps": []})
    assert KEY.search(admin_client.post(ADD, fields).content.decode())


def test_where_a_key_may_be_used_is_set_and_changed(admin_client: Client, server: Server, app: App) -> None:
    page = admin_client.post(ADD, form(app, allowed_networks="203.0.113.0/24", allowed_origins="HTTPS://Shop.example/"))
    app_key, issued = app.keys.get(), KEY.search(page.content.decode())
    assert issued is not None
    assert (app_key.allowed_networks, app_key.allowed_origins) == ("203.0.113.0/24", "https://shop.example")
    assert answers(server, app, issued[0]) == 403
    change = f"/admin/keys/appkey/{app_key.pk}/change/"
    fields = {"label": app_key.label, "apps": [app.pk], "expires_at_0": "", "expires_at_1": "", "allowed_origins": ""}
    wrong = admin_client.post(change, {**fields, "allowed_networks": "everywhere"})
    assert "is not an address or a network" in wrong.content.decode()
    assert admin_client.post(change, {**fields, "allowed_networks": "127.0.0.1\r\n::1"}).status_code == 302
    app_key.refresh_from_db()
    assert (app_key.allowed_networks, app_key.allowed_origins) == ("127.0.0.1/32\n::1/128", "")
    assert [answers(server, app, issued[0]) for _ in range(6)] == [200] * 6  # on either worker


@pytest.mark.parametrize("days", [30, 90, 365])
def test_a_preset_expiry_counts_from_now(admin_client: Client, app: App, days: int) -> None:
    admin_client.post(ADD, form(app, expiry=str(days)))
    expires_at = app.keys.get().expires_at
    assert expires_at is not None
    assert abs(expires_at - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)


def test_a_chosen_day_is_the_last_on_which_the_key_works(admin_client: Client, app: App) -> None:
    admin_client.post(ADD, form(app, expiry="date", expires_on="2099-12-31"))
    assert app.keys.get().expires_at == datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_without_a_choice_a_key_does_not_expire(admin_client: Client, app: App) -> None:
    admin_client.post(ADD, form(app))
    assert app.keys.get().expires_at is None


def test_issuing_and_revoking_are_recorded(admin_client: Client, operator: Operator, app: App) -> None:
    admin_client.post(ADD, form(app))
    app_key = app.keys.get()
    for _ in range(2):
        admin_client.post("/admin/keys/appkey/revoke/", {"ids": str(app_key.pk), "reason": "a test"})
    records = LogEntry.objects.filter(object_id=str(app_key.pk), user__username=operator.username)
    assert [record.action_flag for record in records.order_by("pk")] == [ADDITION, CHANGE]
    history = admin_client.get(f"/admin/keys/appkey/{app_key.pk}/history/").content.decode()
    assert "Added." in history
    assert "Revoked: a test" in history
    app_key.refresh_from_db()
    assert (app_key.revoked_through, app_key.revoke_reason) == ("admin", "a test")
    assert str(app_key.revoked_by) == operator.username
    page = admin_client.get(f"/admin/keys/appkey/{app_key.pk}/change/").content.decode()
    revoked_at = app_key.revoked_at
    assert revoked_at is not None
    notice = re.search(
        r"<strong>Revoked by <bdi>(.*?)</bdi>, <time [^>]*>(.*?)</time>:</strong>\s*“<bdi>(.*?)</bdi>”", page
    )
    assert notice is not None
    assert notice.groups() == (operator.username, f"{revoked_at:%Y-%m-%d %H:%M}", "a test")


@pytest.mark.parametrize("ids", ["", "abc", ",,x", "-1", "9" * 30, "²"])
def test_revoking_an_unknown_key_says_so(admin_client: Client, ids: str) -> None:
    answer = admin_client.post("/admin/keys/appkey/revoke/", {"ids": f"{ids},999999999", "reason": "x"}, follow=True)
    assert answer.status_code == 200
    assert "No such key." in answer.content.decode()


def test_a_revoked_key_can_only_be_viewed(admin_client: Client, app: App, other_app: App) -> None:
    app_key = factories.make_key(app).app_key
    admin_client.post("/admin/keys/appkey/revoke/", {"ids": str(app_key.pk), "reason": "a test"})
    page = f"/admin/keys/appkey/{app_key.pk}/change/"
    assert "_save" not in admin_client.get(page).content.decode()
    assert admin_client.post(page, {"label": "alive again", "apps": [other_app.pk]}).status_code == 403
    app_key.refresh_from_db()
    assert app_key.revoked_at is not None
    assert app_key.label != "alive again"


def test_keys_cannot_be_deleted(admin_client: Client, app: App) -> None:
    app_key = factories.make_key(app).app_key
    assert admin_client.post(f"/admin/keys/appkey/{app_key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_client.get("/admin/keys/appkey/").content.decode()
    admin_client.post("/admin/keys/appkey/", {"action": "delete_selected", "_selected_action": [app_key.pk], "post": 1})
    assert AppKey.objects.filter(pk=app_key.pk).exists()


def test_the_expiry_moves_into_the_future_only(admin_client: Client, app: App) -> None:
    app_key = factories.make_key(app).app_key
    page = f"/admin/keys/appkey/{app_key.pk}/change/"
    fields = {"label": "same", "apps": [app.pk], "expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}
    assert "That is in the past" in admin_client.post(page, fields).content.decode()
    assert admin_client.post(page, {**fields, "expires_at_0": "2099-01-01"}).status_code == 302
    app_key.refresh_from_db()
    assert app_key.expires_at == datetime(2099, 1, 1, tzinfo=UTC)


def test_a_usable_key_must_keep_an_app(admin_client: Client, app: App) -> None:
    app_key = factories.make_key(app).app_key
    page = f"/admin/keys/appkey/{app_key.pk}/change/"
    assert "revoke it" in admin_client.post(page, {"label": "no apps", "apps": []}).content.decode()
    assert list(app_key.apps.all()) == [app]


@pytest.mark.parametrize(
    "path",
    [
        "keys/appkey/?secret_hash__startswith=$",
        "keys/appkey/?created_by__password__startswith=a",
        "apps_registry/app/?keys__secret_hash__startswith=$",
    ],
)
def test_no_filter_reveals_a_hash(admin_client: Client, path: str) -> None:
    assert admin_client.get(f"/admin/{path}").status_code == 400


@pytest.mark.parametrize("status", ["active", "expired", "revoked", "expiring"])
def test_the_list_filters_by_status(admin_client: Client, app: App, status: str) -> None:
    label = factories.unique("filter")
    factories.make_key(app, label=f"{label}-active")
    factories.make_key(app, label=f"{label}-expired", expired_at=timezone.now() - timedelta(days=1))
    gone = factories.make_key(app, label=f"{label}-revoked").app_key
    if status == "expiring":
        factories.make_key(app, label=f"{label}-expiring", expires_at=timezone.now() + timedelta(days=2))
    admin_client.post(reverse("admin:keys_appkey_revoke"), {"ids": str(gone.pk), "reason": "a test"})
    listed = admin_client.get(f"/admin/keys/appkey/?q={label}&status={status}").content.decode()
    shown = {word for word in ("active", "expired", "revoked", "expiring") if f"{label}-{word}" in listed}
    assert shown == {status}


@pytest.mark.thorough
@pytest.mark.browser
@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_example_programs_work_when_pasted(console: "Page", server: Server, app: App, language: str) -> None:
    issue_in_browser(console, server, app, factories.unique("program"))
    command = {"python": [sys.executable, "-"], "javascript": [str(Path(sys.executable).with_name("node")), "-"]}[
        language
    ]
    text = console.inner_text(f"#ready-{language}")
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["app"] == app.slug


@pytest.mark.thorough
@pytest.mark.browser
def test_a_key_is_rotated_with_an_overlap_that_ends_early(console: "Page", server: Server, app: App) -> None:
    old = factories.make_key(app, owner="Team Checkout")
    console.goto(f"{server.url}/admin/keys/appkey/{old.app_key.pk}/change/")
    console.click("text=Rotate this key")
    console.check("input[name=overlap][value='24']")
    console.click("button:has-text('Rotate the key')")
    plain = console.input_value("#new-key")
    assert [answers(server, app, key) for key in (plain, old.plain) * 2] == [200] * 4
    console.reload()  # sends the form again
    assert "Nothing new was issued" in console.inner_text("#content")
    assert not KEY.search(console.content())
    successor = AppKey.objects.get(rotated_from=old.app_key)
    assert successor.owner == "Team Checkout"

    console.goto(f"{server.url}/admin/keys/appkey/{old.app_key.pk}/change/")
    assert successor.prefix in console.inner_text("#content")
    console.click("text=End the overlap now")
    assert "The overlap has ended" in console.inner_text(".messagelist")
    assert [answers(server, app, old.plain) for _ in range(6)] == [401] * 6  # on either worker
    assert answers(server, app, plain) == 200


@pytest.mark.thorough
@pytest.mark.browser
def test_keys_of_an_owner_are_revoked_together_after_a_preview(console: "Page", server: Server, app: App) -> None:
    owner = factories.unique("Team")
    plain = [factories.make_key(app, owner=owner).plain for _ in range(2)]
    other = factories.make_key(app, owner=f"{owner} 2").plain
    console.goto(f"{server.url}/admin/keys/appkey/")
    console.click("text=Revoke several")
    console.fill("#id_owner", owner.upper())
    console.click("text=Show these keys")
    assert console.locator(".aomi-table tbody tr").count() == 2
    assert [answers(server, app, key) for key in plain] == [200, 200]  # a preview is not a revocation
    console.click("button:has-text('Revoke 2 keys')")
    assert "Say why" in console.inner_text("#content")
    console.fill("#id_reason", "contract ended")
    console.click("button:has-text('Revoke 2 keys')")
    assert "2 keys are revoked" in console.inner_text(".messagelist")
    assert [answers(server, app, key) for key in (*plain, other)] == [401, 401, 200]
    assert set(AppKey.objects.filter(owner=owner).values_list("revoke_reason", flat=True)) == {"contract ended"}


def test_a_double_click_rotates_once(operator: Operator, app: App) -> None:
    old, user = factories.make_key(app).app_key, User.objects.get(username=operator.username)
    statuses: list[int] = []

    def send() -> None:
        client = Client()
        client.force_login(user)
        statuses.append(client.post(f"/admin/keys/appkey/{old.pk}/rotate/", {"overlap": "1"}).status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 5
    assert AppKey.objects.filter(rotated_from=old).count() == 1


def test_revoking_without_a_reason_asks_for_one(admin_client: Client, app: App) -> None:
    app_key = factories.make_key(app).app_key
    answer = admin_client.post("/admin/keys/appkey/revoke/", {"ids": str(app_key.pk)})
    assert "Say why, for the record." in answer.content.decode()
    app_key.refresh_from_db()
    assert app_key.revoked_at is None


def test_the_preview_names_a_key_that_would_still_work(admin_client: Client, app: App) -> None:
    old = factories.make_key(app).app_key
    successor = rotate_key(old, overlap=timedelta(hours=2)).successor
    page = admin_client.get("/admin/keys/appkey/revoke/", {"ids": str(successor.pk)}).content.decode()
    assert f"{old.prefix}…</code> still works; it expires" in page


def test_a_key_that_has_ended_cannot_be_rotated(admin_client: Client, app: App) -> None:
    expired = factories.make_key(app, expired_at=timezone.now() - timedelta(days=1)).app_key
    answer = admin_client.post(f"/admin/keys/appkey/{expired.pk}/rotate/", {"overlap": "1"})
    assert "so it cannot be rotated" in answer.content.decode()
    revoked = factories.make_key(app).app_key
    revoke_key(revoked)
    assert admin_client.post(f"/admin/keys/appkey/{revoked.pk}/rotate/", {"overlap": "1"}).status_code == 403
    assert not AppKey.objects.exclude(rotated_from=None).filter(rotated_from__in=[expired, revoked]).exists()


def test_the_form_offers_the_default_expiry(admin_client: Client) -> None:
    page = admin_client.get(ADD).content.decode()
    assert re.search(r'value="365"[^>]*checked', page)


def test_a_key_follows_a_release_of_its_only_app(admin_client: Client, app: App, other_app: App) -> None:
    release, _ = publish(app)
    fields = {"channel": "release", "release": release.pk}
    answer = admin_client.post(ADD, form(app, apps=[app.pk, other_app.pk], **fields))
    assert "opens one App" in answer.content.decode()
    assert "Choose the release" in admin_client.post(ADD, form(app, channel="release")).content.decode()
    admin_client.post(ADD, form(app, **fields))
    key = app.keys.get()
    assert (key.channel, key.release) == ("release", release)

    page = f"/admin/keys/appkey/{key.pk}/change/"
    sent = {"label": "same", "apps": [app.pk], "channel": "draft", "release": release.pk}
    assert admin_client.post(page, sent).status_code == 302
    key.refresh_from_db()
    assert (key.channel, key.release) == ("draft", None)


def test_deleting_a_release_says_which_keys_follow_it(admin_client: Client, app: App) -> None:
    release, _ = publish(app)
    run_draft(app)
    factories.make_key(app, channel="release", release=release)
    page = admin_client.get(f"/admin/apps_registry/app/{app.pk}/release/{release.number}/delete/").content.decode()
    assert "1 App key follows it: calls with it are refused" in page


@pytest.mark.thorough
@pytest.mark.browser
def test_a_limit_set_on_a_keys_page_takes_effect_with_the_next_request(
    console: "Page", server: Server, app: App
) -> None:
    issued = factories.make_key(app)
    console.goto(f"{server.url}/admin/keys/appkey/{issued.app_key.pk}/change/")
    assert "Not used in the last 30 days." in console.inner_text("#key-use")
    console.click("text=Set limits")
    console.fill("#id_requests_per_minute", "2")
    console.click("text=Set the limits")
    assert "requests per minute 2" in console.inner_text(".messagelist")
    assert sorted(answers(server, app, issued.plain) for _ in range(4)) == [200, 200, 429, 429]
    console.reload()
    assert re.search(r"Turns\s+2\s", console.inner_text("#key-use"))
    assert "Requests per minute" in console.inner_text("#key-use")
    console.click("text=Set limits")
    console.fill("#id_requests_per_minute", "")
    console.click("text=Set the limits")
    assert answers(server, app, issued.plain) == 200


def test_limits_of_an_app_apply_to_all_its_keys(admin_client: Client, server: Server, app: App) -> None:
    page = f"/admin/keys/appkey/of-app/{app.pk}/limits/"
    assert page in admin_client.get(f"/admin/apps_registry/app/{app.pk}/keys/").content.decode()
    assert admin_client.post(page, {"requests_per_minute": "2"}).status_code == 302
    keys = [factories.make_key(app).plain for _ in range(4)]
    assert sorted(answers(server, app, key) for key in keys) == [200, 200, 429, 429]
    assert "requests per minute 2" in admin_client.get(f"/admin/apps_registry/app/{app.pk}/history/").content.decode()
    assert 'value="2"' in admin_client.get(page).content.decode()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"tokens_per_day": "many"}, "Enter a whole number"),
        ({"tokens_per_day": "0"}, "greater than or equal to 1"),
        ({"tokens_per_month": "500"}, "a limit below that lets no call through"),
        ({"money_per_day": "5"}, "Every model that may answer needs prices"),
        ({"money_per_day": "-5"}, "greater than or equal to 0"),
    ],
)
def test_a_wrong_limit_says_so_and_is_not_set(
    admin_client: Client, app: App, fields: dict[str, str], complaint: str
) -> None:
    key = factories.make_key(app).app_key
    for page in (f"/admin/keys/appkey/{key.pk}/limits/", f"/admin/keys/appkey/of-app/{app.pk}/limits/"):
        assert complaint in admin_client.post(page, fields).content.decode()
    assert not LimitSet.objects.filter(subject__in=[f"key:{key.pk}", f"app:{app.pk}"]).exists()


def test_a_limit_of_money_below_the_price_of_one_call_is_refused(admin_client: Client) -> None:
    app = factories.make_app(default_model=factories.make_model(prompt_price=3, completion_price=15))
    page = f"/admin/keys/appkey/of-app/{app.pk}/limits/"
    refused = admin_client.post(page, {"money_per_day": "0.001"}).content.decode()
    assert f"One call to {app.slug} may cost up to 0." in refused
    assert "Money per day, in dollars" in refused
    factories.make_key(app)
    answer = admin_client.post(page, {"money_per_day": "5", "requests_per_minute": "3"}, follow=True)
    shown = answer.content.decode()
    assert "requests per minute 3, money per day $5." in shown
    # The message is on the tab of the keys, whose link to the limits is above the keys.
    assert 0 < shown.index("Limits of this App") < shown.index("Last used")


def test_pages_of_limits_need_the_permission_to_change(staff_client: Callable[..., Client], app: App) -> None:
    key = factories.make_key(app).app_key
    pages = [f"/admin/keys/appkey/{key.pk}/limits/", f"/admin/keys/appkey/of-app/{app.pk}/limits/"]
    keys_only = staff_client("change_appkey", "view_appkey")
    assert [keys_only.get(page).status_code for page in pages] == [200, 403]
    apps_only = staff_client("change_app", "view_app")
    assert [apps_only.get(page).status_code for page in pages] == [403, 200]
    assert keys_only.get(f"/admin/keys/appkey/{key.pk}/rotate/").status_code == 403  # it would show a new key
    assert staff_client("view_appkey").post(f"/admin/keys/appkey/{key.pk}/end-overlap/").status_code == 403
    revoked = factories.make_key(app).app_key
    revoke_key(revoked)
    assert staff_client("change_appkey").get(f"/admin/keys/appkey/{revoked.pk}/limits/").status_code == 403
