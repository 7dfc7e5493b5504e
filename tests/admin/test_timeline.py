"""The timeline of a turn: its steps on one time scale, as a drawing and as a table."""

import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client as Browser

from apps_registry.models import App, OutboundCall, Tool
from sessions_app.models import Turn
from tests import factories
from tests.client import Client
from tests.model_server import ScriptedModel, calls, refuses, says
from tests.upstream import Upstream
from tests.waiting import wait_until

if TYPE_CHECKING:
    from sessions_app.admin.timeline import Timeline


@pytest.fixture
def app(app: App, upstream: Upstream) -> App:
    """An App with a tool that calls a server."""
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    upstream.handle = lambda handler, request: handler.reply("found")
    args = {"parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}}
    factories.make_http_tool(app, f"{upstream.url}/{{{{ args.what }}}}", name="look_up", method="POST", **args)
    return app


def timeline(client: Browser, turn: Turn) -> "Timeline":
    """Return what the turn's page draws; check that its drawing and its table agree, and that it has no styles."""
    answer = client.get(f"/admin/sessions_app/turn/{turn.pk}/change/")
    assert answer.status_code == 200
    drawn: Timeline = answer.context["timeline"]
    text = answer.content.decode().partition('id="timeline"')[2].partition("</section>")[0]
    assert "style=" not in text
    assert len(re.findall("<g>", text)) == len(re.findall("<tr><td>", text)) == len(drawn.steps)
    return drawn


def kinds(drawn: "Timeline") -> list[tuple[str, str]]:
    return [(step.kind, step.label) for step in drawn.steps]


def turn_of(client: Client) -> Turn:
    return Turn.objects.get(session_id=client.uuid)


def test_a_turn_shows_its_rounds_calls_and_outbound_calls(
    admin_client: Browser, app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    model.will(calls(("look_up", {"what": "tea"}), ("calculate", {"expression": "1+1"})), says("Tea."))
    app_client.chat("Tea?")
    turn = turn_of(app_client)
    wait_until(lambda: OutboundCall.objects.filter(turn_id=turn.pk).exists())
    drawn = timeline(admin_client, turn)
    first, *_, last = drawn.steps
    (outbound,) = [step for step in drawn.steps if step.kind == "outbound"]
    assert (outbound.detail, outbound.has_failed) == ("answered: 200 OK", False)
    assert sorted(kinds(drawn)) == [
        *(("model", model.model_id), ("model", model.model_id)),
        *(("outbound", f"POST {upstream.host}"), ("tool", "calculate"), ("tool", "look_up")),
    ]
    assert (first.kind, last.kind, last.wait_words != "") == ("model", "model", True)
    tools = [step for step in drawn.steps if step.kind == "tool"]
    assert all(first.ends <= step.starts + 1 and step.ends <= last.starts + 1 for step in tools)
    took = (turn.finished_at - turn.started_at) / timedelta(milliseconds=1)  # type: ignore[operator]
    assert last.ends <= took + 50


def test_a_failed_call_leads_from_the_turn_to_its_error_its_tool_and_its_conversation(
    staff_client: Any, app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, request: handler.reply("<b>no tea here</b>", status=404)
    admin_client = staff_client("view_outboundcall", "view_turn", "view_tool", "view_chatsession")
    model.will(calls(("look_up", {"what": "tea"})), says("None."))
    app_client.chat("Tea?")
    turn = turn_of(app_client)
    wait_until(lambda: OutboundCall.objects.filter(turn_id=turn.pk).exists())
    page = f"/admin/apps_registry/outboundcall/{OutboundCall.objects.get(turn_id=turn.pk).pk}/change/"
    (step,) = [step for step in timeline(admin_client, turn).steps if step.kind == "outbound"]
    assert (step.detail, step.has_failed, step.url) == ("failed: 404 Not Found", True, page)
    shown = admin_client.get(page).content.decode()
    assert '<span class="aomi-failure">failed: 404 Not Found</span>' in shown
    assert "answered 404 Not Found: " in shown  # what the model got
    assert "no tea here" in shown
    assert "<b>no tea" not in shown
    tool = Tool.objects.get(app=app, name="look_up")
    conversation = f"/admin/sessions_app/chatsession/{turn.session_id}/change/"
    for url in (f"/admin/apps_registry/tool/{tool.pk}/change/", conversation, f"{conversation}?before="):
        assert f'href="{url}' in shown
    text = staff_client("view_outboundcall").get(page).content.decode()
    assert "failed: 404" in text
    assert "no tea here" not in text
    assert conversation not in text


def test_the_wait_for_a_client_is_on_the_scale(
    admin_client: Browser, app_client: Client, app: App, model: ScriptedModel
) -> None:
    Tool.objects.filter(app=app, name="look_up").update(needs_confirmation=True)
    model.will(calls(("look_up", {"what": "tea"})), says("Tea."))
    (event,) = app_client.chat("Tea?")["system_events"]
    assert [kind for kind, _ in kinds(timeline(admin_client, turn_of(app_client)))] == ["model", "pause"]
    answer_body = {
        "type": "confirm_tool",
        "payload": {"call_id": event["InlineCall"]["payload"]["call_id"], "approved": True},
    }
    app_client.request("POST", "/api/system", json={"message": json.dumps(answer_body)})
    app_client.poll()
    drawn = timeline(admin_client, turn_of(app_client))
    steps = [step for step in drawn.steps if step.kind != "outbound"]
    assert [step.kind for step in steps] == ["model", "pause", "tool", "model"]
    assert all(earlier.ends <= later.starts + 1 for earlier, later in itertools.pairwise(steps))


def test_a_step_that_was_cut_off_says_so(admin_client: Browser, app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "1+1"})), *[refuses(400)] * 3)
    assert app_client.post_chat("Hi").status_code == 502
    *_, last = timeline(admin_client, turn_of(app_client)).steps
    assert (last.kind, "cut off" in last.detail) == ("model", True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"finished_at": None}, None),
        ({"first_token_ms": 300}, [("model", "m", 0, 2_000, 300)]),
        (
            {"steps": [{"kind": "tool", "name": "x" * 64, "round": 1, "at": 0, "until": 1}]},
            [("tool", "x" * 64, 0, 0, None)],
        ),
    ],
)
def test_turns_without_a_record_show_what_is_known(
    admin_client: Browser, app: App, changes: dict[str, Any], expected: Any
) -> None:
    turn = factories.make_session(app, [("user", "Hi")]).turns.get()
    began = datetime(2026, 5, 1, 12, tzinfo=UTC)
    times = {"started_at": began, "finished_at": began + timedelta(seconds=2)}
    Turn.objects.filter(pk=turn.pk).update(**{**times, **changes})
    if expected is None:
        assert 'id="timeline"' not in admin_client.get(f"/admin/sessions_app/turn/{turn.pk}/change/").content.decode()
        return
    drawn = timeline(admin_client, turn)
    assert [(step.kind, step.label, step.starts, step.ends, step.first) for step in drawn.steps] == expected


def test_outbound_calls_need_their_own_permission(staff_client: Any, app: App) -> None:
    turn = factories.make_session(app, [("user", "Hi")]).turns.get()
    Turn.objects.filter(pk=turn.pk).update(finished_at=turn.started_at + timedelta(seconds=1))
    call = {"tool": "t", "method": "GET", "host": "private.example", "milliseconds": 5, "received_bytes": 0}
    OutboundCall.objects.create(app=app, turn_id=turn.pk, verdict="answered", **call)
    assert [kind for kind, _ in kinds(timeline(staff_client("view_turn"), turn))] == ["model"]
    assert len(timeline(staff_client("view_turn", "view_outboundcall"), turn).steps) == 2
