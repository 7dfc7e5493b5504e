"""Holders read and revoke their own key: /api/key and /api/key/usage, by header or as a bearer token."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from django.db.models import Sum
from django.utils import timezone

from apps_registry.models import App
from keys.limits.services import set_limits
from keys.limits.values import Limits, key_subject
from keys.models import AppKey
from keys.services import IssuedKey
from sessions_app.models import Turn
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, says
from tests.patience import scaled
from tests.product import NO_TLS, Server
from tests.sse import Updates

ROUNDS = 6  # enough requests to reach both workers
FORMS: dict[str, Callable[[str], dict[str, str]]] = {
    "header": lambda key: {"AOMI-APP-KEY": key},
    "bearer": lambda key: {"Authorization": f"Bearer {key}"},
}


def ask(server: Server, method: str, path: str, **headers: str) -> httpx2.Response:
    return httpx2.request(method, f"{server.url}{path}", headers=headers, verify=NO_TLS, timeout=30)


def held(server: Server, issued: IssuedKey) -> dict[str, Any]:
    answer = ask(server, "GET", "/api/key", **{"AOMI-APP-KEY": issued.plain})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("form", FORMS)
def test_a_holder_asks_about_the_key_and_revokes_it(
    server: Server, manage: Callable[..., Result], app: App, other_app: App, form: str
) -> None:
    App.objects.filter(pk=other_app.pk).update(is_active=False)
    expires_at = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
    issued = factories.make_key(
        app, other_app, label="a service", owner="Secret Team", note="a secret note", expires_at=expires_at
    )
    headers = FORMS[form](issued.plain)
    answer = ask(server, "GET", "/api/key", **headers)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    body = answer.json()
    assert body == {"label": "a service", "apps": [app.slug], "expires_at": "2099-12-31T23:59:59.000Z", "limits": []}
    assert ask(server, "GET", "/api/key/usage", **headers).status_code == 200

    revoked = ask(server, "DELETE", "/api/key", **headers)
    assert (revoked.status_code, revoked.content) == (204, b"")
    assert {ask(server, "GET", "/api/key", **headers).status_code for _ in range(ROUNDS)} == {401}
    shown = json.loads(manage("show_key", issued.app_key.prefix, "--json").out)
    assert (shown["status"], shown["revoked_by"]) == ("revoked", "the key's holder")
    assert "DELETE /api/key" in shown["revoke_reason"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/key"), ("GET", "/api/key/usage"), ("DELETE", "/api/key")])
def test_without_a_key_there_is_nothing_to_ask(server: Server, method: str, path: str) -> None:
    answer = ask(server, method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_app_key")
    assert answer.headers["WWW-Authenticate"] == "AppKey"


def test_a_stream_ends_when_its_holder_revokes_the_key(server: Server, app_client: Client, app: App) -> None:
    app_client.chat("Hi")
    with Updates(app_client) as updates:
        assert ask(server, "DELETE", "/api/key", **{"AOMI-APP-KEY": app_client.key or ""}).status_code == 204
        assert updates.ended.wait(scaled(10))


def test_limits_say_what_is_left(server: Server, app: App, model: ScriptedModel) -> None:
    issued = factories.make_key(app)
    subject = key_subject(issued.app_key.pk)
    limits = Limits(requests_per_minute=3, burst=2, concurrent_turns=4, tokens_per_day=1_000_000)
    set_limits(subject, limits, apps=[app])
    before = held(server, issued)["limits"]
    assert [(limit["what"], limit["per"], limit["limit"], limit["left"]) for limit in before] == [
        ("requests", "minute", 3, 2),
        ("turns", None, 4, 4),
        ("tokens", "day", 1_000_000, 1_000_000),
    ]
    midnight = (timezone.now() + timedelta(days=1)).date().isoformat()
    assert before[2]["resets_at"] == f"{midnight}T00:00:00.000Z"
    assert before[1]["resets_at"] is None

    model.will(says("A reply."))
    with Client(server.url, app=app.slug, key=issued.plain) as client:
        client.chat("Hi")
    turn = Turn.objects.get(app_key_id=issued.app_key.pk)
    used = (turn.prompt_tokens or 0) + (turn.completion_tokens or 0)
    assert used > 0
    after = held(server, issued)["limits"]
    assert {type(limit[number]) for limit in after for number in ("limit", "left")} == {int}
    assert [limit["left"] for limit in after] == [1, 4, 1_000_000 - used]


def test_a_limit_set_later_counts_what_was_used_before(server: Server, app: App, model: ScriptedModel) -> None:
    issued = factories.make_key(app)
    with Client(server.url, app=app.slug, key=issued.plain) as client:
        client.chat("Hi")
    set_limits(key_subject(issued.app_key.pk), Limits(tokens_per_month=1_000_000), apps=[app])
    (limit,) = held(server, issued)["limits"]
    assert 0 < limit["left"] < 1_000_000


def test_usage_adds_up_to_the_turns(server: Server, app: App, other_app: App) -> None:
    type(app.default_model).objects.filter(pk=app.default_model_id).update(
        prompt_price=Decimal(1000), completion_price=Decimal(2000)
    )
    issued = factories.make_key(app, other_app)
    for used_app in (app, app, other_app):  # the second App's model has no price
        with Client(server.url, app=used_app.slug, key=issued.plain) as client:
            client.chat("Hi")
    usage = ask(server, "GET", "/api/key/usage", **{"AOMI-APP-KEY": issued.plain}).json()
    turns = Turn.objects.filter(app_key_id=issued.app_key.pk)
    sums = turns.aggregate(Sum("prompt_tokens"), Sum("completion_tokens"), Sum("cost"))
    unpriced = turns.filter(cost=None).aggregate(p=Sum("prompt_tokens"), c=Sum("completion_tokens"))
    assert usage["total"] == {
        "turns": 3,
        "errors": 0,
        "prompt_tokens": sums["prompt_tokens__sum"],
        "completion_tokens": sums["completion_tokens__sum"],
        "cost": float(sums["cost__sum"]),
        "unpriced_tokens": unpriced["p"] + unpriced["c"],
    }
    assert {(row["app"], row["turns"]) for row in usage["days"]} == {(app.slug, 2), (other_app.slug, 1)}
    assert usage["last_day"] == timezone.now().date().isoformat()
    stranger = ask(server, "GET", "/api/key/usage?days=1", **{"AOMI-APP-KEY": factories.make_key(app).plain}).json()
    assert (stranger["total"]["turns"], stranger["days"]) == (0, [])
    assert stranger["first_day"] == stranger["last_day"]


@pytest.mark.parametrize("days", ["0", "x", "-1"])
def test_a_wrong_number_of_days_is_named(server: Server, app: App, days: str) -> None:
    answer = ask(server, "GET", f"/api/key/usage?days={days}", **{"AOMI-APP-KEY": factories.make_key(app).plain})
    assert answer.status_code == 400
    assert "days" in answer.json()["detail"]


def test_a_successor_has_the_limits_but_not_the_use(server: Server, manage: Callable[..., Result], app: App) -> None:
    old = factories.make_key(app)
    set_limits(key_subject(old.app_key.pk), Limits(tokens_per_day=1_000_000), apps=[app])
    with Client(server.url, app=app.slug, key=old.plain) as client:
        client.chat("Hi")
    plain = manage("rotate_key", old.app_key.prefix).out.strip()
    successor = IssuedKey(app_key=AppKey.objects.get(rotated_from=old.app_key), plain=plain)
    (limit,) = held(server, successor)["limits"]
    assert (limit["limit"], limit["left"]) == (1_000_000, 1_000_000)


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/key"), ("GET", "/api/key/usage"), ("DELETE", "/api/key")])
def test_a_browser_token_is_not_the_key(server: Server, app: App, method: str, path: str) -> None:
    key = factories.make_key(app).plain
    body = {"app": app.slug}
    issued = httpx2.post(f"{server.url}/api/token", json=body, headers={"AOMI-APP-KEY": key}, verify=NO_TLS)
    token = {"Authorization": f"Bearer {issued.json()['token']}"}
    refused = ask(server, method, path, **token)
    assert (refused.status_code, refused.json()["code"]) == (403, "app_not_authorized")
    assert ask(server, "GET", "/api/key", **{"AOMI-APP-KEY": key}).status_code == 200
