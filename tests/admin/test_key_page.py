"""A key's page: what it was used for, what revoking it stops, the settings of clients; and the filters of the list."""

import html
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps_registry.models import App, Model
from apps_registry.services.client_settings import mcp_clients, openai_clients
from keys.limits.services import set_limits
from keys.limits.values import Limits, key_subject
from keys.models import AppKey, Refusal
from keys.services import IssuedKey
from sessions_app.models import ChatSession, Turn
from tests import factories
from tests.admin.test_key_pages import ADD, form
from tests.client import Client as ApiClient
from tests.model_server import Reply, ScriptedModel, refuses, says
from tests.product import Server
from tests.waiting import wait_until


@pytest.fixture
def issued(app: App) -> IssuedKey:
    return factories.make_key(app, owner=factories.unique("Team"))


def page(app_key: AppKey) -> str:
    return f"/admin/keys/appkey/{app_key.pk}/change/"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def section(text: str, name: str) -> str:
    return text.partition(f'id="{name}"')[2].partition("</section>")[0]


def turn(app: App, app_key: AppKey, wallet: str = "", **fields: Any) -> Turn:
    session = ChatSession.objects.create(app=app, version=1, next_position=0, wallet_address=wallet)
    return Turn.objects.create(session=session, app=app, app_key_id=app_key.pk, model="m", **fields)


def test_the_page_shows_what_calls_with_the_key_did(
    admin_client: Client, server: Server, app: App, model: ScriptedModel, issued: IssuedKey
) -> None:
    Model.objects.filter(pk=app.default_model_id).update(prompt_price=1_000, completion_price=0)
    set_limits(key_subject(issued.app_key.pk), Limits(requests_per_minute=3), apps=[app])
    model.will(says("Fine."), refuses(400))
    with ApiClient(server.url, app=app.slug, key=issued.plain) as caller:
        statuses = [caller.post_chat("Hi").status_code for _ in range(4)]
    assert statuses == [200, 502, 200, 429]
    wait_until(lambda: Refusal.objects.filter(key_id=issued.app_key.pk).exists())  # written in the background
    failed = Turn.objects.get(app_key_id=issued.app_key.pk, status="failed")
    cost = Turn.objects.filter(app_key_id=issued.app_key.pk).aggregate(total=Sum("cost"))["total"]
    assert cost > 0
    text = text_of(admin_client.get(page(issued.app_key)))
    use = section(text, "key-use")
    assert re.search(r'<dt>Turns</dt> <dd[^>]*><a href="[^"]*app_key_id=\d+[^"]*">3</a>', use)
    assert re.search(r"<dt>Failed</dt> <dd[^>]*><a [^>]*>1</a>", use)
    assert f'title="${cost.normalize():,f}"' in use
    assert "Requests per minute</td> <td>3</td> <td>0</td>" in use
    errors = section(text, "key-errors")
    assert f"/turn/{failed.pk}/change/" in errors
    assert failed.error_code in errors
    assert "429" in section(text, "key-refusals")
    assert f'<a href="/admin/apps_registry/app/{app.pk}/change/">{app.slug}</a>' in text
    assert issued.plain not in text


def test_a_keys_page_costs_fifteen_queries_at_most(
    admin_client: Client, staff_client: Callable[..., Client], app: App, other_app: App
) -> None:
    app_key = factories.make_key(app, other_app).app_key
    set_limits(key_subject(app_key.pk), Limits(requests_per_minute=3, tokens_per_day=9), apps=[])
    for number in range(8):
        turn(app, app_key, status="failed", error_code="model_error")
        Refusal.objects.create(id=app_key.pk * 100 + number, at=timezone.now(), key_id=app_key.pk, status=429, rule="x")
    onlooker = staff_client("view_appkey", "view_app", "view_turn", "view_refusal", "view_usage")
    for client in (admin_client, onlooker):
        for path in (page(app_key), f"/admin/keys/appkey/revoke/?ids={app_key.pk}", f"{page(app_key)[:-7]}rotate/"):
            client.get(page(app_key))  # content types are remembered from the first look on
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code in ({200} if client is admin_client else {200, 403})
            assert len(captured) <= 15, path


def test_errors_and_refusals_need_their_permissions(staff_client: Callable[..., Client], app: App) -> None:
    app_key = factories.make_key(app).app_key
    turn(app, app_key, status="failed", error_code="model_error")
    Refusal.objects.create(id=app_key.pk * 100, at=timezone.now(), key_id=app_key.pk, status=429, rule="x")
    for permissions, shown in (((), [False, False]), (("view_turn", "view_refusal"), [True, True])):
        answer = staff_client("view_appkey", *permissions).get(page(app_key))
        text = text_of(answer)
        assert [f'id="{name}"' in text for name in ("key-errors", "key-refusals")] == shown
        assert (
            re.search(
                r'<(textarea|input (?!type="hidden"))',
                text.partition('id="content-main"')[2].partition('id="footer"')[0],
            )
            is None
        )


def test_revoking_and_rotating_say_what_stops(admin_client: Client, app: App) -> None:
    app_key, unused = factories.make_key(app).app_key, factories.make_key(app).app_key
    yesterday = timezone.now() - timedelta(days=1, minutes=1)
    turn(app, app_key, "0xaa", status="running")
    turn(app, app_key, "0xaa", status="completed")
    turn(app, app_key, "0xbb", status="running")
    turn(app, app_key, status="completed")
    turn(app, app_key, "0xcc", status="completed", started_at=yesterday)
    revoke = "/admin/keys/appkey/revoke/"
    preview = text_of(admin_client.get(revoke, {"ids": str(app_key.pk)}))
    assert "3 callers used this key today (UTC)</strong>; 2 turns are running." in preview
    assert "A running turn ends as usual and is kept" in preview
    both = text_of(admin_client.get(revoke, {"ids": f"{app_key.pk},{unused.pk}"}))
    assert "3 callers used these keys today (UTC)" in both
    assert "Nobody used this key today (UTC)" in text_of(admin_client.get(revoke, {"ids": str(unused.pk)}))
    rotate = text_of(admin_client.get(f"/admin/keys/appkey/{app_key.pk}/rotate/"))
    assert "3 callers used this key today (UTC)</strong>; 2 turns are running." in rotate


def test_a_turn_that_runs_when_its_key_is_revoked_ends_as_the_page_says(
    admin_client: Client, server: Server, app: App, model: ScriptedModel, issued: IssuedKey
) -> None:
    go_on = threading.Event()
    whole = says("A whole answer.")
    model.will(Reply([go_on, *whole.parts]))
    with ApiClient(server.url, app=app.slug, key=issued.plain) as caller:
        App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
        caller.chat("Hi")
        wait_until(lambda: len(model.requests) == 1)
        sent = {"ids": str(issued.app_key.pk), "reason": "a test"}
        assert "1 turn is running" in text_of(admin_client.get("/admin/keys/appkey/revoke/", {"ids": sent["ids"]}))
        assert admin_client.post("/admin/keys/appkey/revoke/", sent).status_code == 302
        go_on.set()
        wait_until(lambda: Turn.objects.get(session=caller.uuid).status == "completed")
        assert caller.request("GET", "/api/state").status_code == 401


def test_the_list_filters_by_last_use_owner_and_cost(admin_client: Client, app: App) -> None:
    label, now = factories.unique("filter"), timezone.now()
    uses = {"today": now, "days": now - timedelta(days=3), "weeks": now - timedelta(days=45), "never": None}
    keys = {name: factories.make_key(app, label=f"{label}-{name}", owner=f"{label} {name}").app_key for name in uses}
    for name, used_at in uses.items():
        AppKey.objects.filter(pk=keys[name].pk).update(last_used_at=used_at)
    AppKey.objects.filter(pk=keys["never"].pk).update(owner="")
    turn(app, keys["today"], status="completed", cost="5")
    turn(app, keys["days"], status="completed", cost="0.5", started_at=now - timedelta(days=2))
    turn(app, keys["weeks"], status="completed", cost="500", started_at=now - timedelta(days=45))

    def shown(**filters: str) -> set[str]:
        answer = admin_client.get("/admin/keys/appkey/", {"q": label, **filters})
        return {row.label.removeprefix(f"{label}-") for row in answer.context["cl"].result_list}

    found = {used: shown(used=used) for used in ("day", "week", "month", "older", "never")}
    assert found == {
        "day": {"today"},
        "week": {"today", "days"},
        "month": {"today", "days"},
        "older": {"weeks"},
        "never": {"never"},
    }
    assert shown(owner=f"{label} weeks") == {"weeks"}
    assert shown(owner="-") == {"never"}
    costs = {cost: shown(cost=cost) for cost in ("none", "some", "1", "10", "100")}
    assert costs == {"none": {"weeks", "never"}, "some": {"days"}, "1": {"today"}, "10": set(), "100": set()}
    assert shown(used="nonsense", cost="nonsense") == set(uses)
    listed = admin_client.get("/admin/keys/appkey/", {"q": label, "o": "-7"})
    assert [row.cost for row in listed.context["cl"].result_list if row.cost] == [5, 0.5]
    assert "$5.00" in listed.content.decode()


def test_a_new_keys_settings_work_when_pasted(admin_client: Client, server: Server, app: App) -> None:
    address = server.url.partition("//")[2]
    answer = admin_client.post(ADD, form(app), headers={"host": address}).content.decode()
    (text,) = re.findall(r'<pre id="client-openai-python"[^>]*>(.*?)</pre>', answer, re.DOTALL)
    program = html.unescape(text)
    assert server.url in program
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == "Hello."


def test_the_page_of_a_key_has_the_settings_without_the_key(admin_client: Client, issued: IssuedKey) -> None:
    app = issued.app_key.apps.get()
    text = html.unescape(section(admin_client.get(page(issued.app_key)).content.decode(), "key-clients"))
    arguments = {"base_url": "http://testserver", "app_slug": app.slug, "app_key": "YOUR-APP-KEY"}
    for client in [*openai_clients(**arguments), *mcp_clients(**arguments)]:
        assert f"<summary>{client.client}</summary>" in text
        assert client.text in text
    assert issued.plain not in text


def test_settings_in_yaml_and_json_can_be_parsed() -> None:
    arguments = {"base_url": "https://a.example/", "app_slug": "support", "app_key": "sk-x"}
    texts = {client.name: client.text for client in [*openai_clients(**arguments), *mcp_clients(**arguments)]}
    (endpoint,) = yaml.safe_load(texts["librechat"])["endpoints"]["custom"]
    assert (endpoint["baseURL"], endpoint["apiKey"]) == ("https://a.example/v1", "sk-x")
    assert endpoint["models"] == {"default": ["support"], "fetch": True}
    assert ("X-Session-Id" in endpoint["headers"], endpoint["titleConvo"]) == (True, False)
    cursor = json.loads(texts["mcp-cursor"])["mcpServers"]["support"]
    assert cursor == {"url": "https://a.example/mcp/support", "headers": {"Authorization": "Bearer sk-x"}}
    code = json.loads(texts["mcp-vscode"])
    asked = {"Authorization": f"Bearer ${{input:{code['inputs'][0]['id']}}}"}
    assert code["servers"]["support"] == {"type": "http", "url": cursor["url"], "headers": asked}
    assert texts["mcp-claude"] == (
        "claude mcp add --transport http support https://a.example/mcp/support --header 'Authorization: Bearer sk-x'"
    )
