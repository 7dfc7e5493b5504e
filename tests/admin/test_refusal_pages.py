"""Refused calls and canary keys at the console."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO

from django.core.management import call_command
from django.test import Client

from apps_registry.models import App
from keys import crypto
from keys.models import AppKey, CanaryKey, Refusal
from keys.refusals.rules import RULES
from tests import factories

REFUSALS = "/admin/keys/refusal/"
CANARIES = "/admin/keys/canarykey/"


def refusal(app: App, rule: str = "app_not_in_scope") -> Refusal:
    now = datetime.now(UTC)
    return Refusal.objects.create(
        id=int(now.timestamp() * 1_000_000) << 10,
        at=now,
        request_id=uuid.uuid4(),
        status=403,
        code="app_not_authorized",
        rule=rule,
        key_id=factories.make_key(app).app_key.pk,
        app=app.slug,
        address="203.0.113.7",
        method="POST",
        path="/api/chat",
    )


def test_a_refused_call_is_found_and_explained(admin_client: Client, app: App) -> None:
    row = refusal(app)
    listed = admin_client.get(REFUSALS, {"q": str(row.request_id), "rule": row.rule, "status": "403"}).content.decode()
    assert f"{REFUSALS}{row.pk}/change/" in listed
    assert "203.0.113.7" in listed
    assert AppKey.objects.get(pk=row.key_id or 0).label in listed
    for filters in ({"rule": "key_unknown"}, {"status": "401"}, {"q": "198.51.100.9"}):
        assert f"{REFUSALS}{row.pk}/" not in admin_client.get(REFUSALS, filters).content.decode()
    assert f"{REFUSALS}{row.pk}/" in admin_client.get(REFUSALS, {"key_id": str(row.key_id)}).content.decode()
    page = admin_client.get(f"{REFUSALS}{row.pk}/change/").content.decode()
    assert RULES[row.rule].refused in page
    assert RULES[row.rule].change.replace("'", "&#x27;") in page
    assert f"/admin/keys/appkey/{row.key_id}/change/" in page
    assert 'name="_save"' not in page


def test_refused_calls_are_filtered_by_key_and_app_with_the_rule_in_words(
    admin_client: Client, staff_client: Callable[..., Client], app: App, other_app: App
) -> None:
    row, limited, other = refusal(app), refusal(app, "tokens_per_day"), refusal(other_app)
    Refusal.objects.filter(pk=limited.pk).update(facts={"limit_of": "key", "limit": "200", "left": "200"})
    label = AppKey.objects.get(pk=row.key_id or 0).label
    for client in (admin_client, staff_client("view_refusal")):
        for filters, found in (
            ({"key_id": str(row.key_id)}, {row.pk}),
            ({"app": app.slug}, {row.pk, limited.pk}),
            ({"app": app.slug, "key_id": str(other.key_id)}, set()),
        ):
            listed = client.get(REFUSALS, filters)
            assert {each.pk for each in listed.context["cl"].result_list} == found, filters
        page = client.get(REFUSALS, {"key_id": str(row.key_id)}).content.decode()
        assert re.search(rf"App key: <bdi>{label}", page)
        assert f'href="?app={app.slug}&amp;key_id={row.key_id}"' in page
        assert RULES[row.rule].refused in page
    csv = admin_client.get(REFUSALS, {"app": app.slug, "format": "csv"}).content.decode().splitlines()
    assert csv[0].endswith(",count,refused")
    assert RULES[row.rule].refused in csv[2]
    assert "One call reserves more than the whole limit of this key (200)" in csv[1]
    assert len(csv) == 3
    assert admin_client.get(REFUSALS, {"key_id": "x"}).status_code == 302


def test_a_refused_call_leads_to_what_can_be_changed(
    admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    row = refusal(app, "money_per_day")
    page = f"{REFUSALS}{row.pk}/change/"
    limits = {
        "key": f"appkey/{row.key_id}/limits/",
        "app": f"of-app/{app.pk}/limits/",
        "keyless": "/admin/keys/fusestate/",
    }
    for whose, url in limits.items():
        Refusal.objects.filter(pk=row.pk).update(facts={"limit_of": whose})
        shown = admin_client.get(page).content.decode()
        (link,) = re.findall(rf'class="aomi-primary" href="([^"]*{url})"', shown)
        assert admin_client.get(link).status_code == 200
        assert {"key": "limit of this key", "app": f"limit of App {app.slug}"}.get(whose, "without a key") in shown
        assert "limit_of" not in shown
        assert "aomi-primary" not in staff_client("view_refusal").get(page).content.decode()
    Refusal.objects.filter(pk=row.pk).update(facts={}, rule="key_expired")
    assert (
        f'class="aomi-primary" href="/admin/keys/appkey/{row.key_id}/change/"'
        in admin_client.get(page).content.decode()
    )
    Refusal.objects.filter(pk=row.pk).update(rule="app_not_in_scope")
    assert (
        f'class="aomi-primary" href="/admin/keys/appkey/{row.key_id}/change/#id_apps"'
        in admin_client.get(page).content.decode()
    )
    assert 'id="id_apps"' in admin_client.get(f"/admin/keys/appkey/{row.key_id}/change/").content.decode()
    AppKey.objects.get(pk=row.key_id or 0).delete()
    assert "aomi-primary" not in admin_client.get(page).content.decode()


def test_a_limit_below_one_call_says_that_waiting_does_not_help(admin_client: Client, app: App) -> None:
    row = refusal(app, "tokens_per_day")
    page = f"{REFUSALS}{row.pk}/change/"
    assert "field-compared" not in admin_client.get(page).content.decode()
    for left, words in (("200", "Waiting does not help. Raise the limit of this key"), ("150", "of this key, or wait")):
        Refusal.objects.filter(pk=row.pk).update(facts={"limit_of": "key", "limit": "200", "left": left})
        out = StringIO()
        call_command("explain", str(row.request_id), stdout=out)
        for shown in (admin_client.get(page).content.decode(), out.getvalue()):
            assert words in shown
            assert f"limit of this key: 200, left: {left}" in shown
            assert ("used up or reserved" in shown) == (left == "150")
            assert "limit_of" not in shown
    assert "field-compared" in admin_client.get(page).content.decode()


def test_a_pulled_fuse_is_reset_in_the_console(admin_client: Client, app: App) -> None:
    row = refusal(app, "fuse_pulled")
    Refusal.objects.filter(pk=row.pk).update(facts={"limit_of": "keyless", "left": "0"})
    assert "Keys, Fuse, Reset the fuse" in admin_client.get(f"{REFUSALS}{row.pk}/change/").content.decode()


def test_refused_calls_are_read_only_and_have_their_own_permission(
    admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    row = refusal(app)
    for path in (f"{REFUSALS}{row.pk}/delete/", f"{REFUSALS}add/"):
        assert admin_client.get(path).status_code == 403
    assert admin_client.post(f"{REFUSALS}{row.pk}/change/", {"rule": "x"}).status_code == 403
    page = f"{REFUSALS}{row.pk}/change/"
    assert staff_client("view_appkey", "change_appkey").get(page).status_code == 403
    assert staff_client("view_refusal").get(page).status_code == 200


def test_a_canary_key_is_made_and_shown_once(admin_client: Client) -> None:
    label = factories.unique("wiki")
    made = admin_client.post(f"{CANARIES}add/", {"label": label, "slug": "mycoindex"})
    (plain,) = re.findall(r'value="(sk-mycoindex-[0-9A-Za-z]{46})"', made.content.decode())
    assert "no-store" in made["Cache-Control"]
    assert crypto.parse_key(plain) is not None
    canary = CanaryKey.objects.get(label=label)
    for path in (CANARIES, f"{CANARIES}{canary.pk}/change/", f"{CANARIES}{canary.pk}/history/"):
        page = admin_client.get(path)
        assert page.status_code == 200
        assert plain not in page.content.decode()
    refused = admin_client.post(f"{CANARIES}add/", {"label": "x", "slug": "Not A Slug"})
    assert "Use lower-case letters" in refused.content.decode()


def test_canary_keys_have_their_own_permissions(staff_client: Callable[..., Client]) -> None:
    stranger = staff_client("add_appkey", "view_appkey")
    assert stranger.get(CANARIES).status_code == 403
    assert stranger.post(f"{CANARIES}add/", {"label": "x", "slug": "x"}).status_code == 403
