"""Refused calls leave a bounded row that names the rule; the answer to callers without access does not."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from django.db import connection

from apps_registry.models import App
from keys import crypto
from keys.models import AppKey, CanaryKey, KeyFailure, Refusal
from keys.refusals import writing
from keys.refusals.rules import RULES
from keys.services import revoke_key
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ModelServer, ScriptedModel
from tests.product import Server
from tests.waiting import wait_until

Manage = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_failures_left() -> None:
    """All tests come from one address, whose failures together are limited."""
    KeyFailure.objects.all().delete()


def row_of(answer: httpx2.Response) -> Refusal:
    """Return the record of a refused call, which is written in the background."""
    request_id = answer.headers["X-Request-Id"]
    wait_until(lambda: Refusal.objects.filter(request_id=request_id).exists())
    return Refusal.objects.get(request_id=request_id)


def wrong_secret(plain: str) -> str:
    parts = crypto.parse_key(plain)
    assert parts is not None
    body = parts.prefix + crypto.make_key("x").secret
    return body + crypto.checksum(body)


def revoked(app: App) -> str:
    issued = factories.make_key(app)
    revoke_key(issued.app_key)
    return issued.plain


def expired(app: App) -> str:
    return factories.make_key(app, expired_at=datetime.now(UTC) - timedelta(seconds=1)).plain


def canary(app: App) -> str:
    from keys.canaries import make_canary

    return make_canary(label="a wiki page", slug=app.slug)[1]


BAD_KEYS: dict[str, Callable[[App], str]] = {
    "key_malformed": lambda app: "sk-nope",
    "keys_differ": lambda app: f"{factories.make_key(app).plain}, {factories.make_key(app).plain}",
    "key_unknown": lambda app: crypto.make_key(app.slug).plain,
    "key_wrong_secret": lambda app: wrong_secret(factories.make_key(app).plain),
    "key_revoked": revoked,
    "key_expired": expired,
    "key_canary": canary,
}


@pytest.mark.parametrize("rule", BAD_KEYS)
def test_a_bad_key_leaves_its_reason_for_the_operator_only(server: Server, app: App, rule: str, manage: Manage) -> None:
    plain = BAD_KEYS[rule](app)
    with Client(server.url, app=app.slug, key=plain) as client:
        answer = client.post_chat("a private message")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_app_key")
    assert rule not in answer.text
    row = row_of(answer)
    assert (row.rule, row.app, row.method, row.path) == (rule, app.slug, "POST", "/api/chat")
    assert row.address == "127.0.0.1"
    names_a_key = rule in {"key_wrong_secret", "key_revoked", "key_expired"}
    newest = AppKey.objects.order_by("-id").first()
    assert (newest is not None and row.key_id == newest.pk) is names_a_key
    explained = json.loads(manage("explain", answer.headers["X-Request-Id"], "--json").out)
    assert (explained["rule"], explained["refused"]) == (rule, RULES[rule].refused)
    stored = json.dumps(explained)
    assert "private" not in stored
    assert plain[-20:] not in stored


def test_other_refusals_name_their_rule(
    server: Server, app: App, other_app: App, model: ScriptedModel, manage: Manage
) -> None:
    key = factories.make_key(app)
    session = factories.make_session(other_app, [("user", "private")])
    headers = {"Content-Type": "text/csv"}
    with Client(server.url, app=app.slug, key=key.plain) as client, Client(server.url) as stranger:
        own = {"headers": {"X-Session-Id": str(session.pk)}}
        answers = {
            "app_not_in_scope": client.post_chat("Hi", app=other_app.slug),
            "app_unknown": client.post_chat("Hi", app="no-such-app"),
            "session_of_another_app": client.request("GET", "/api/state", **own),
            "key_missing": stranger.request("GET", "/api/state", **own),
            "session_unknown": client.request("POST", "/api/interrupt"),
            "message_too_large": client.request("POST", "/api/chat", json={"message": "x" * 40_000, "app": app.slug}),
            "body_too_large": client.request("POST", "/api/chat", content=b"x" * 1_100_000, headers=headers),
            "unsupported_media_type": client.request("POST", "/api/chat", content=b"x", headers=headers),
        }
    for rule, answer in answers.items():
        row = row_of(answer)
        assert (row.rule, row.status, row.code) == (rule, answer.status_code, answer.json()["code"])
        has_key = rule not in {"key_missing", "body_too_large"}  # the body is refused before the key is read
        assert row.key_id == (key.app_key.pk if has_key else None)
        assert manage("explain", str(row.request_id)).out.startswith(f"{row.status} {row.code}: {RULES[rule].refused}")
    assert row_of(answers["session_of_another_app"]).facts == {"session_app": other_app.slug}
    assert row_of(answers["app_unknown"]).app == "no-such-app"


def test_refusals_of_other_protocols_name_their_rule(server: Server, app: App, other_app: App) -> None:
    """OpenAI's protocol has 404 for what a key does not open, and MCP hides refusals of tools in results."""
    key = factories.make_key(app)
    private = factories.make_session(other_app, [("user", "private")])
    chat = {"messages": [{"role": "user", "content": "Hi"}]}
    tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    calls: dict[str, tuple[int, str, str, Any]] = {
        "app_unknown": (404, "POST", "/v1/chat/completions", {"model": "no-such-app", **chat}),
        "app_not_in_scope": (404, "POST", "/v1/responses", {"model": other_app.slug, "input": "Hi"}),
        "model_unknown": (404, "GET", f"/v1/models/{app.slug}:none", None),
        "session_of_another_app": (404, "GET", f"/v1/conversations/{private.pk}", None),
        "session_unknown": (404, "GET", f"/v1/conversations/{uuid.uuid4()}", None),
        "object_unknown": (404, "GET", f"/v1/responses/resp_{uuid.uuid4().hex}", None),
        "key_malformed": (401, "GET", "/v1/models", None),
        "app_not_in_scope of a tool": (403, "POST", "/mcp", {**tool, "params": {"name": f"ask_{other_app.slug}"}}),
    }
    with Client(server.url) as client:
        for name, (status, method, path, body) in calls.items():
            token = "another-system" if name == "key_malformed" else key.plain
            answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
            row = row_of(answer)
            assert (row.rule, row.status) == (name.partition(" ")[0], status), name
            assert row.key_id == (None if name == "key_malformed" else key.app_key.pk), name
            if name.startswith("app_not_in_scope"):
                assert row.app == other_app.slug
            if name == "session_of_another_app":
                assert row.facts == {"session_app": other_app.slug}


def test_an_invalid_app_name_is_not_recorded(server: Server, app: App) -> None:
    secret = factories.make_key(app).plain
    with Client(server.url) as client:
        for name in (secret, "two words", "x" * 41, "A"):
            answer = client.request("POST", "/api/chat", params={"message": "Hi", "app": name})
            assert answer.status_code in {400, 401}
            if answer.status_code == 401:
                assert row_of(answer).app == ""


def test_good_calls_and_unknown_paths_leave_nothing(server: Server, app: App, manage: Manage) -> None:
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        answers = [client.post_chat("Hi"), client.request("GET", "/api/nowhere"), client.request("PUT", "/api/chat")]
        last = client.request("POST", "/api/interrupt", headers={"X-Session-Id": str(uuid.uuid4())})
    row_of(last)
    for answer in answers:
        assert not Refusal.objects.filter(request_id=answer.headers["X-Request-Id"]).exists()
    refused = manage("explain", answers[0].headers["X-Request-Id"])
    assert (refused.code, "no record" in refused.err) == (1, True)
    assert manage("explain", "x").code == 1


def test_a_flood_leaves_few_rows_and_the_count(start: Callable[..., Server], app: App) -> None:
    server = start()
    Refusal.objects.filter(rule="key_malformed").delete()
    calls = 200
    with Client(server.url, key="sk-nope") as client:
        for _ in range(calls):
            assert client.request("GET", "/api/control/apps").status_code == 401
    assert server.stop() == 0  # it writes the remaining rows
    rows = Refusal.objects.filter(rule="key_malformed")
    assert sum(row.count for row in rows) == calls
    assert rows.count() <= 2 * 21  # the flood may fall into two minutes
    beyond = rows.filter(count__gt=1)
    assert beyond.exists()
    assert {(row.request_id, row.address, row.path) for row in beyond} == {(None, "127.0.0.1", "")}


def test_refusals_wait_while_postgres_accepts_no_rows(start: Callable[..., Server], app: App) -> None:
    server = start()
    with connection.cursor() as cursor, Client(server.url, key="sk-nope") as client:
        cursor.execute("ALTER TABLE keys_refusal RENAME TO away")
        try:
            answer = client.request("GET", "/api/control/apps")
            assert answer.status_code == 401
            wait_until(lambda: "write-refusals failed and continues" in server.log)
        finally:
            cursor.execute("ALTER TABLE away RENAME TO keys_refusal")
    row_of(answer)


def test_old_rows_are_deleted(start: Callable[..., Server], app: App) -> None:
    days_ago = datetime.now(UTC) - timedelta(days=15)
    old = make_row(days_ago)
    recent = make_row(datetime.now(UTC) - timedelta(days=13))
    with connection.cursor() as cursor:
        cursor.execute(writing.PRUNE, {"days": 14, "max_rows": writing.MAX_ROWS, "batch": 5000})
    assert not Refusal.objects.filter(pk=old.pk).exists()
    assert Refusal.objects.filter(pk=recent.pk).exists()


def make_row(at: datetime, **overrides: Any) -> Refusal:
    fields = {"at": at, "status": 401, "code": "invalid_app_key", "rule": "key_unknown", "request_id": uuid.uuid4()}
    return Refusal.objects.create(id=int(at.timestamp() * 1_000_000) << 10, **{**fields, **overrides})


def test_a_canary_is_refused_like_any_bad_key_and_reports_its_use(
    start: Callable[..., Server], app: App, manage: Manage, model_server: ModelServer
) -> None:
    server = start()
    plain = manage("canary_key", app.slug, "--label", "an old image").out.strip()
    assert crypto.parse_key(plain) is not None
    with Client(server.url, app=app.slug) as client:
        unknown = client.request("GET", "/api/control/apps", headers={"AOMI-APP-KEY": crypto.make_key("x").plain})
        used = client.request("GET", "/api/control/apps", headers={"AOMI-APP-KEY": plain})
    assert (used.status_code, without_id(used)) == (401, without_id(unknown))
    assert row_of(used).rule == "key_canary"
    wait_until(lambda: CanaryKey.objects.get(label="an old image").use_count == 1)
    canary = CanaryKey.objects.get(label="an old image")
    assert canary.last_used_from == "127.0.0.1"
    assert f"WARNING aomi.refusals canary key no. {canary.pk} was used from 127.0.0.1" in server.log
    assert plain not in server.log
    metrics = server.get("/metrics", headers={"Authorization": "Bearer metrics-token-of-the-tests"}).text
    assert "aomi_canary_key_uses_total 1.0" in metrics
    listed = json.loads(manage("canary_key", "--list", "--json").out)
    assert [canary_row["use_count"] for canary_row in listed if canary_row["label"] == "an old image"] == [1]
    assert "canary" in manage("explain", used.headers["X-Request-Id"]).out


def without_id(answer: httpx2.Response) -> dict[str, Any]:
    return {**answer.json(), "request_id": ""}
