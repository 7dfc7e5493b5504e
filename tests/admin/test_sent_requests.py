"""Requests to the models of a turn: kept if the App says so, without secrets, for operators with the permission."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from apps_registry.models import App, AppModel
from sessions_app.models import SentRequest, Turn
from sessions_app.sent_requests import prune_batch
from tests import factories
from tests.admin.conftest import PAYLOADS
from tests.client import Client
from tests.model_server import ModelServer, ScriptedModel, calls, refuses, says
from tests.waiting import wait_until

SECRET = "hunter2-of-the-shop/and+more"


def page_of(client: Browser, turn: Turn) -> str:
    answer = client.get(f"/admin/sessions_app/turn/{turn.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def keeping(app: App) -> App:
    """The App, which keeps the requests to its models for a week."""
    App.objects.filter(pk=app.pk).update(keeps_requests_days=7, preamble="Be brief.")
    return app


def stored_requests(client: Client, *, requests: int) -> list[SentRequest]:
    """The requests of the session's turn, once they are stored; the writer works after the turn."""
    rows = SentRequest.objects.filter(turn__session=client.uuid)
    wait_until(lambda: rows.count() == requests)
    return list(rows)


def test_each_request_is_kept_as_it_was_sent_and_shown_with_what_came_back(
    app_client: Client, keeping: App, model: ScriptedModel, admin_client: Browser
) -> None:
    model.will(calls(("calculate", {"expression": "6*7"}), text="I calculate."), says("It is 42."))
    app_client.chat(f"6*7? {' '.join(PAYLOADS)}")
    rows = stored_requests(app_client, requests=2)
    assert [(row.round_number, row.status, row.model) for row in rows] == [
        (1, 200, keeping.default_model.name),
        (2, 200, keeping.default_model.name),
    ]
    sent = [{name: value for name, value in each.items() if name != "headers"} for each in model.requests]
    assert [json.loads(row.body) for row in rows] == sent
    assert rows[0].size == len(rows[0].body.encode())
    turn = Turn.objects.get(session=app_client.uuid)
    page = page_of(admin_client, turn)
    assert [name for name in ("Error code", "Idempotency key", "Partial reply") if name in page] == []  # it has none
    for shown in ("What the model was sent", "Be brief.", "calculate", "stream_options", "It is 42.", "I calculate."):
        assert shown in page
    assert "It begins with the 2 messages and the tools of the previous request" in page
    assert "window.hacked" in page  # as text: each tag is escaped
    assert "<script>window.hacked" not in page
    whole = admin_client.get(f"/admin/sessions_app/turn/{turn.pk}/request/{rows[1].pk}/")
    assert (whole["Content-Type"], whole.content.decode()) == ("text/plain; charset=utf-8", rows[1].body)


def test_nothing_is_kept_unless_the_app_says_so(
    app_client: Client, app: App, other_app: App, server: Any, admin_client: Browser
) -> None:
    app_client.chat("Hi")
    App.objects.filter(pk=other_app.pk).update(keeps_requests_days=1)
    with Client(server.url, app=other_app.slug, key=factories.make_key(other_app).plain) as other:
        other.chat("Hi")
        stored_requests(other, requests=1)
    assert not SentRequest.objects.filter(turn__app=app).exists()
    assert "does not keep requests to models" in page_of(admin_client, Turn.objects.get(session=app_client.uuid))


def test_models_that_were_tried_before_are_shown(
    app_client: Client, keeping: App, model: ScriptedModel, model_server: ModelServer, admin_client: Browser
) -> None:
    second = factories.make_model(model_server.base_url)
    AppModel.objects.create(app=keeping, model=second)
    model.will(refuses(401))
    app_client.chat("Hi")
    rows = stored_requests(app_client, requests=2)
    assert [(row.round_number, row.status, row.model) for row in rows] == [
        (1, 401, keeping.default_model.name),
        (1, 200, second.name),
    ]
    page = page_of(admin_client, Turn.objects.get(session=app_client.uuid))
    assert "HTTP 401" in page
    assert page.count("What came back") == 1


def test_secrets_are_masked(app_client: Client, keeping: App, model: ScriptedModel) -> None:
    factories.make_secret(keeping, "SHOP_TOKEN", SECRET)
    provider = keeping.default_model.provider
    provider.set_key("provider-key-1234567890")
    provider.save()
    key = factories.make_key(keeping).plain
    escaped = json.dumps(SECRET)[1:-1].replace("/", "\\/")
    app_client.chat(f"mine: {SECRET} and {escaped}, theirs: provider-key-1234567890, a key: {key}")
    (row,) = stored_requests(app_client, requests=1)
    assert "mine: [secret] and [secret], theirs: [secret], a key: [secret]" in row.body
    assert [word for word in (SECRET, "provider-key-1234567890", key[-20:]) if word in row.body] == []


def test_a_paused_turn_continues_with_its_own_rounds(app_client: Client, keeping: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=keeping.pk).update(callers_may_bring_tools=True)
    model.will(calls(("get_weather", {})), says("Sunny."))
    snapshot = app_client.chat("Weather?", client_tools=json.dumps([{"name": "get_weather"}]))
    stored_requests(app_client, requests=1)
    (question,) = [event["InlineCall"]["payload"] for event in snapshot["system_events"]]
    answer_body = {"type": "client_tool", "payload": {"call_id": question["call_id"], "result": "sunny"}}
    app_client.request("POST", "/api/system", json={"message": json.dumps(answer_body)})
    assert [row.round_number for row in stored_requests(app_client, requests=2)] == [1, 2]


def test_requests_are_deleted_with_their_session_and_after_their_days(
    app_client: Client, keeping: App, server: Any, other_app: App
) -> None:
    app_client.chat("Hi")
    (row,) = stored_requests(app_client, requests=1)
    assert app_client.request("DELETE", f"/api/sessions/{app_client.session_id}").status_code in {200, 204}
    assert not SentRequest.objects.filter(pk=row.pk).exists()
    rows = []
    for days in (8, 6):
        session = factories.make_session(keeping, [("user", "Hi")])
        rows.append(_aged(session.turns.get(), days))
    rows.append(_aged(factories.make_session(other_app, [("user", "Hi")]).turns.get(), 0))  # it keeps none now
    asyncio.run(_prune())
    assert [SentRequest.objects.filter(pk=each.pk).exists() for each in rows] == [False, True, False]


def _aged(turn: Turn, days: int) -> SentRequest:
    from datetime import UTC, datetime, timedelta

    sent_at = datetime.now(UTC) - timedelta(days=days, seconds=1)
    facts = {"round_number": 1, "model": "m", "body": "{}", "size": 2, "status": 200, "sent_at": sent_at}
    return SentRequest.objects.create(turn=turn, **facts)


async def _prune() -> None:
    from apps_registry.support import database

    await database.open_pool()
    try:
        while await prune_batch():
            pass
    finally:
        await database.close_pool()


def test_the_permission_to_view_turns_does_not_show_requests(staff_client: Callable[..., Browser], app: App) -> None:
    turn = factories.make_session(app, [("user", "Hi")]).turns.get()
    row = _aged(turn, 0)
    path = f"/admin/sessions_app/turn/{turn.pk}/request/{row.pk}/"
    onlooker = staff_client("view_turn", "view_chatsession")
    assert "What the model was sent" not in page_of(onlooker, turn)
    assert onlooker.get(path).status_code == 403
    reader = staff_client("view_turn", "view_sentrequest")
    assert "What the model was sent" in page_of(reader, turn)
    assert reader.get(path).content == b"{}"
    other = factories.make_session(app, [("user", "Hi")]).turns.get()
    assert reader.get(path.replace(str(turn.pk), str(other.pk))).status_code == 404
    assert staff_client("view_sentrequest").get(path).status_code == 403


@pytest.mark.parametrize(
    "body", ["{", "[]", "null", '{"messages": 5, "tools": {}}', '{"messages": [1, null, {"role": 5, "content": [[]]}]}']
)
def test_no_body_breaks_the_page(admin_client: Browser, app: App, body: str) -> None:
    turn = factories.make_session(app, [("user", "Hi")]).turns.get()
    SentRequest.objects.filter(pk=_aged(turn, 0).pk).update(body=body)
    assert "The whole request" in page_of(admin_client, turn)


def test_large_requests_are_cut_on_the_page(
    admin_client: Browser, app: App, django_assert_max_num_queries: Any
) -> None:
    turn = factories.make_session(app, [("user", "Hi")]).turns.get()
    message = {"role": "user", "content": "x" * 150_000, "id": uuid.uuid4().hex}
    for size in (1, 8):
        row = _aged(turn, 0)
        SentRequest.objects.filter(pk=row.pk).update(body=json.dumps({"messages": [message] * size}))
    with django_assert_max_num_queries(15):
        page = page_of(admin_client, turn)
    assert len(page) < 200_000
    assert "This is its beginning." in page
    assert "It is too long to be shown here." in page
