"""Refused and outbound calls: filters, request ids, and the whole list as CSV."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

from django.test import Client

from apps_registry.models import App, OutboundCall
from tests import factories
from tests.admin.test_refusal_pages import REFUSALS, refusal
from tests.client import Client as ApiClient
from tests.model_server import ScriptedModel, calls, says
from tests.upstream import Upstream
from tests.waiting import wait_until

OUTBOUND = "/admin/apps_registry/outboundcall/"


def rows_of(client: Client, path: str, **query: Any) -> list[dict[str, str]]:
    answer = client.get(path, {**query, "format": "csv"})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def make_call(app: App, **fields: Any) -> OutboundCall:
    values = {"tool": "t", "method": "GET", "host": "h", "milliseconds": 3, "received_bytes": 0, "verdict": "answered"}
    return OutboundCall.objects.create(app=app, **{**values, **fields})


def test_refused_calls_are_filtered_by_request_id_and_written_as_csv(admin_client: Client, app: App) -> None:
    first, second = refusal(app), refusal(app, "key_revoked")
    page = admin_client.get(REFUSALS, {"request_id": str(first.request_id)}).content.decode()
    assert f"{REFUSALS}{first.pk}/" in page
    assert f"{REFUSALS}{second.pk}/" not in page
    assert f'href="?request_id={first.request_id}&amp;format=csv"' in page
    (row,) = rows_of(admin_client, REFUSALS, request_id=str(first.request_id))
    assert (row["request_id"], row["rule"], row["app"]) == (str(first.request_id), first.rule, app.slug)
    both = rows_of(admin_client, REFUSALS, q=app.slug)
    assert [row["rule"] for row in both] == ["key_revoked", "app_not_in_scope"]  # the order of the page
    assert rows_of(admin_client, REFUSALS, q=app.slug, rule="key_revoked") == both[:1]
    wrong = admin_client.get(REFUSALS, {"request_id": "no-id", "format": "csv"})
    assert (wrong.status_code, wrong["Location"]) == (302, f"{REFUSALS}?e=1")


def test_outbound_calls_are_filtered_by_outcome_and_written_as_csv(admin_client: Client, app: App) -> None:
    request_id = uuid.uuid4()
    make_call(app, status=200, tool="=fine")
    make_call(app, status=503, request_id=request_id)
    make_call(app, verdict="timed out")
    make_call(app, verdict="refused: a private address")
    verdicts = {
        "failed": ["refused: a private address", "timed out", "answered"],
        "error": ["answered"],
        "refused": ["refused: a private address"],
        "timeout": ["timed out"],
        "answered": ["answered", "answered"],
        "cancelled": [],
    }
    for outcome, expected in verdicts.items():
        rows = rows_of(admin_client, OUTBOUND, app__id__exact=app.pk, outcome=outcome)
        assert [row["verdict"] for row in rows] == expected, outcome
    (row,) = rows_of(admin_client, OUTBOUND, q=str(request_id))
    assert (row["status"], row["app__slug"]) == ("503", app.slug)
    assert rows_of(admin_client, OUTBOUND, app__id__exact=app.pk)[-1]["tool"] == "'=fine"  # no formula
    page = admin_client.get(OUTBOUND, {"app__id__exact": str(app.pk), "p": "1"}).content.decode()
    assert f'href="?app__id__exact={app.pk}&amp;format=csv"' in page


def test_csv_needs_the_permission_of_the_list(staff_client: Callable[..., Client], app: App) -> None:
    row = refusal(app)
    stranger, reader = staff_client("view_appkey"), staff_client("view_refusal", "view_outboundcall")
    for path in (REFUSALS, OUTBOUND):
        assert stranger.get(f"{path}?format=csv").status_code == 403
        assert reader.get(f"{path}?format=csv&q={row.request_id}").status_code == 200


def test_a_call_of_a_turn_names_the_request_that_began_it(
    app: App, app_client: ApiClient, model: ScriptedModel, upstream: Upstream, admin_client: Client
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/x", name="get_it")
    model.will(calls(("get_it", {})), says("Done."))
    request_id = app_client.post_chat("Get it").headers["X-Request-Id"]
    wait_until(lambda: OutboundCall.objects.filter(app=app).exists())
    (row,) = rows_of(admin_client, OUTBOUND, request_id=request_id)
    assert (row["tool"], row["request_id"]) == ("get_it", request_id)
    results = admin_client.get("/admin/search/", {"q": request_id}).content.decode()
    assert "Outbound calls of this request" in results
