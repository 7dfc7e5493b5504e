"""Usage equals the sums of the Turn rows, outlives them, and says where costs are missing."""

import csv
import io
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps_registry.models import App
from keys.limits.values import app_subject
from keys.models import NO_KEY, Usage, UsageTotal
from keys.upkeep import FOLD_DAYS, FOLD_HOURS, FOLD_TOTALS
from keys.usage.daily import daily
from keys.usage.histograms import MAX_ERROR
from keys.usage.hours import by_hour
from keys.usage.reading import Filter, summed
from sessions_app.models import ChatSession, Turn
from tests import accounts, factories
from tests.accounts import limit, turns_of, usage_of
from tests.client import Client
from tests.commands import Result
from tests.docs.markdown import text_of
from tests.model_server import ModelServer, Reply, ScriptedModel, calls, chunk, refuses, says
from tests.patience import scaled
from tests.product import Server
from tests.waiting import wait_until

Manage = Callable[..., Result]
ASYNC = {"Prefer": "respond-async"}
PRICES = {"prompt_price": Decimal(3), "completion_price": Decimal(15)}


def rows_of(manage: Manage, *arguments: str) -> list[dict[str, object]]:
    shown = manage("usage", "--json", *arguments)
    assert shown.code == 0, shown.err
    rows: list[dict[str, object]] = json.loads(shown.out)
    return rows


def test_usage_adds_up_to_the_turn_rows_however_they_end(server: Server, model_server: ModelServer) -> None:
    model_row = factories.make_model(model_server.base_url, **PRICES)
    app = factories.make_app(base_url=model_server.base_url, default_model=model_row)
    keys, model = [factories.make_key(app) for _ in range(2)], ScriptedModel(model_server, model_row.name)
    ends = [
        says("One", " two", prompt_tokens=100),
        calls(("calculate", {"expression": "1+1"})),
        says("Two.", prompt_tokens=50),
        refuses(400),
        Reply([chunk({"content": "Half"})], then="cut"),
        says("Fine."),
        Reply([chunk({"content": "No counts"}), chunk({}, "stop")]),
    ]
    model.will(*ends)
    clients = [Client(server.url, app=app.slug, key=key.plain) for key in keys]
    for number in range(6):
        clients[number % 2].post_chat(f"Message {number}")
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda number: _one(server, app, keys[number % 2].plain), range(24)))
    assert set(statuses) == {200}
    assert usage_of(app) == turns_of(app)
    assert usage_of(app)["turns"] == 30
    assert usage_of(app)["cost"] > 0
    for key in keys:
        by_key = turns_of(app, app_key_id=key.app_key.pk)
        assert usage_of(app, app_key_id=key.app_key.pk) == by_key
        days = daily(key_id=key.app_key.pk)
        assert (len(days), sum(day.turns for day in days), sum(day.cost for day in days)) == (
            30,
            by_key["turns"],
            by_key["cost"],
        )
    for client in clients:
        client.http.close()


def _one(server: Server, app: App, key: str) -> int:
    with Client(server.url, app=app.slug, key=key) as client:
        return client.post_chat("Hi").status_code


def test_a_retried_turn_counts_both_attempts_and_once_as_a_turn(
    app_client: Client, app: App, model: ScriptedModel
) -> None:
    model.will(calls(("calculate", {"expression": "1+1"})), refuses(400), says("At last.", prompt_tokens=70))
    key = {"Idempotency-Key": "once"}
    query = {"message": "Well?", "app": app.slug}
    assert app_client.request("POST", "/api/chat", params=query, headers=key).status_code == 502
    failed = Turn.objects.get(session_id=app_client.uuid)
    assert app_client.request("POST", "/api/chat", params=query, headers=key).status_code == 200
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert turn.unreported_tokens == failed.unreported_tokens > 0
    assert turn.prompt_tokens == 70
    assert usage_of(app) == turns_of(app)
    assert (usage_of(app)["turns"], usage_of(app)["errors"]) == (1, 0)


def test_usage_stays_when_sessions_are_deleted_and_pruned(
    server: Server, app: App, model: ScriptedModel, manage: Manage
) -> None:
    App.objects.filter(pk=app.pk).update(retention_days=7)
    key = factories.make_key(app)
    with Client(server.url, app=app.slug, key=key.plain) as client:
        client.chat("To be deleted")
        client.request("DELETE", f"/api/sessions/{client.session_id}")
    with Client(server.url, app=app.slug, key=key.plain) as client:
        client.chat("To be pruned")
        long_ago = datetime.now(UTC) - timedelta(days=8)
        ChatSession.objects.filter(pk=client.uuid).update(last_active_at=long_ago)
    with Client(server.url, app=app.slug, key=key.plain) as client:
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        client.request("POST", "/api/chat", params={"message": "Running", "app": app.slug}, headers=ASYNC)
        client.request("DELETE", f"/api/sessions/{client.session_id}")
    assert manage("prune_sessions").code == 0
    assert not Turn.objects.filter(app=app).exists()
    (row,) = rows_of(manage, "--by", "app", "--app", app.slug)
    assert (row["turns"], row["prompt_tokens"], row["app"]) == (3, 20, app.slug)
    slug, label = app.slug, key.app_key.label
    key.app_key.delete()
    app.delete()
    (row,) = rows_of(manage, "--by", "app", "--by", "key", "--app", slug)
    assert (row["turns"], row["app"], row["key"]) == (3, slug, label)
    assert rows_of(manage, "--key", label)[0]["turns"] == 3


def test_titles_and_summaries_count_with_their_cost(server: Server, model_server: ModelServer, manage: Manage) -> None:
    row = factories.make_model(model_server.base_url, **PRICES)
    app = factories.make_app(base_url=model_server.base_url, default_model=row, makes_titles=True)
    limit(app_subject(app.pk), tokens_per_day=10**6)
    ScriptedModel(model_server, row.name).will(says("Fine.", prompt_tokens=10), says("A title", prompt_tokens=33))
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        client.chat("Name this")
        wait_until(lambda: Usage.objects.filter(app_id=app.pk, kind="title").exists())
    by_kind = {row["kind"]: row for row in rows_of(manage, "--app", app.slug, "--by", "kind")}
    assert (by_kind["title"]["prompt_tokens"], by_kind["title"]["completion_tokens"]) == (33, 1)
    assert by_kind["title"]["cost"] == "0.000114"
    assert (by_kind["title"]["turns"], by_kind["turn"]["turns"]) == (0, 1)
    used = accounts.state(app_subject(app.pk))
    assert (used.day_tokens, used.reserved_tokens) == (10 + 1 + 33 + 1, 0)


def test_a_title_over_the_limit_is_not_asked_for(server: Server, model_server: ModelServer) -> None:
    app = factories.make_app(base_url=model_server.base_url, makes_titles=True, max_reply_tokens=50)
    app.tools.all().delete()
    limit(app_subject(app.pk), tokens_per_day=2_300)
    model = ScriptedModel(model_server, app.default_model.provider_model_id)
    model.will(says("Fine.", prompt_tokens=500))
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        client.chat("Name this")
        time.sleep(scaled(0.3))
    assert len(model.requests) == 1


def test_models_without_a_price_are_counted_and_named(
    app_client: Client, app: App, model: ScriptedModel, manage: Manage
) -> None:
    model.will(says("Fine.", prompt_tokens=41))
    app_client.chat("Hi")
    (row,) = rows_of(manage, "--app", app.slug)
    assert (row["cost"], row["unpriced_tokens"], row["cost_is_complete"]) == ("0", 42, False)
    shown = manage("usage", "--app", app.slug, "--by", "model")
    assert "0*" in shown.out
    assert "The cost does not include 42 tokens of models without a price" in shown.out


def test_the_command_filters_groups_and_writes_csv(
    app_client: Client, client: Client, app: App, model: ScriptedModel, manage: Manage
) -> None:
    App.objects.filter(pk=app.pk).update(slug=f"x{app.slug}"[:40])
    app.refresh_from_db()
    app_client.app = app.slug
    app_client.chat("Hi")
    today = datetime.now(UTC).date()
    table = list(csv.DictReader(io.StringIO(manage("usage", "--csv", "--by", "day", "--app", app.slug).out)))
    assert [(row["day"], row["turns"]) for row in table] == [(str(today), "1")]
    before = ["--to", str(today - timedelta(days=1)), "--from", str(today - timedelta(days=3))]
    assert rows_of(manage, "--app", app.slug, *before) == []
    assert "No usage from" in manage("usage", "--app", app.slug, *before).out
    assert manage("usage", "--csv", "--app", app.slug, *before).out.startswith("turns,errors,")
    client.chat("Without a key")
    assert rows_of(manage, "--key", "none", "--by", "key")[0]["key_id"] == NO_KEY
    assert "(no key)" in manage("usage", "--by", "key").out
    for mistake, words in {
        ("--from", "2026-13-01"): "is not a day such as",
        ("--from", "2026-02-02", "--to", "2026-02-01"): "is after --to",
        ("--key", "nobody's"): "There is no key",
        ("--app", "nobodys"): "There is no App",
        ("--by", "colour"): "invalid choice",
        ("--json", "--csv"): "not allowed with",
    }.items():
        failed = manage("usage", *mistake)
        assert failed.code != 0
        assert words in failed.err, mistake


EXACT = """
SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at) * 1000)
FROM sessions_app_turn WHERE app_id = %s
"""


@pytest.mark.parametrize("times_ms", [range(1285, 1345, 3), range(150, 9000, 450)], ids=["similar", "spread"])
def test_percentiles_are_approximate_within_the_stated_error(app: App, manage: Manage, times_ms: range) -> None:
    session, now = factories.make_session(app), datetime.now(UTC)
    for time_ms in times_ms:
        times = {"started_at": now, "finished_at": now + timedelta(milliseconds=time_ms), "first_token_ms": time_ms}
        Turn.objects.create(session=session, app=app, model="m", status="completed", prompt_tokens=3, **times)
    with connection.cursor() as cursor:
        cursor.execute(EXACT, [app.pk])
        exact = [float(value) for value in cursor.fetchone()[0]]
    (row,) = rows_of(manage, "--app", app.slug)
    for kind in ("latency", "first_token"):
        for value, name in zip(exact, ("p50", "p95"), strict=True):
            shown = row[f"{kind}_{name}_ms"]
            assert isinstance(shown, int)
            assert value / (1 + MAX_ERROR) - 1 <= shown <= value * (1 + MAX_ERROR) + 1
    assert f"≈ {row['latency_p95_ms']:,}" in manage("usage", "--app", app.slug).out
    stated = re.search(r"at most (\d+) % too high or too low", text_of("docs/operating.md"))
    assert stated is not None
    assert int(stated[1]) == round(MAX_ERROR * 100)


def test_a_label_is_not_a_formula_in_csv(server: Server, app: App, manage: Manage) -> None:
    key = factories.make_key(app, label="=cmd|' /C calc'!A0")
    with Client(server.url, app=app.slug, key=key.plain) as client:
        client.chat("Hi")
    out = manage("usage", "--csv", "--by", "key", "--app", app.slug).out
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["key"] == "'=cmd|' /C calc'!A0"


def fold() -> None:
    """Do the hourly work on usage now."""
    with connection.cursor() as cursor:
        for statement in (FOLD_HOURS, FOLD_DAYS, FOLD_TOTALS):
            cursor.execute(statement, {"batch": 500})


def test_past_days_become_one_row_and_keep_their_sums(app: App) -> None:
    long_ago = datetime(2020, 5, 17, 23, 59, tzinfo=UTC)
    session = factories.make_session(app)

    def add(_: int) -> None:
        Turn.objects.create(
            session=session,
            app=app,
            model="m",
            status="completed",
            prompt_tokens=3,
            started_at=long_ago,
            finished_at=long_ago + timedelta(seconds=2),
            first_token_ms=40,
        )
        connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(12)))
    before = usage_of(app)
    assert (before["turns"], before["prompt_tokens"]) == (12, 36)
    for _ in range(2):
        fold()
        row = Usage.objects.get(app_id=app.pk)
        assert (usage_of(app), row.slot, row.day.isoformat()) == (before, -1, "2020-05-17")
        assert (sum(row.latency_counts), sum(row.first_token_counts), row.latency_ms_sum) == (12, 12, 24_000)
    add(0)  # a late turn
    fold()
    (total,) = UsageTotal.objects.filter(app_id=app.pk)
    assert (total.turns, sum(total.latency_counts)) == (13, 13)
    (read,) = summed(["app"], Filter(app_ids=[app.pk], until=long_ago.date()))
    (by_key,) = summed(["app", "key"], Filter(app_ids=[app.pk]))
    assert (read.turns, read.latency_p95_ms) == (by_key.turns, by_key.latency_p95_ms) == (13, 2153)
    (hour,) = by_hour(long_ago.date())
    assert (hour.hour, hour.turns, hour.prompt_tokens, hour.latency_p50_ms) == (23, 13, 39, 2153)


def test_past_hours_become_one_row_and_go_to_their_day_later(app: App) -> None:
    session, key = factories.make_session(app), factories.make_key(app).app_key
    yesterday = (datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

    def add(minutes: int, count: int = 1) -> None:
        started = yesterday + timedelta(minutes=minutes)
        fields = {"app_key_id": key.pk, "started_at": started, "finished_at": started + timedelta(seconds=2)}
        for _ in range(count):
            Turn.objects.create(session=session, app=app, model="m", status="completed", prompt_tokens=3, **fields)

    def seen() -> list[tuple[int, int | None]]:
        mine = Filter(app_ids=[app.pk], since=yesterday.date())
        (total,), (by_key,) = summed(["app"], mine), summed(["key"], mine)
        since = Filter(app_ids=[app.pk], since=yesterday.date(), since_hour=1)
        (late,) = summed(["app"], since)
        return [(row.turns, row.latency_p95_ms) for row in (total, by_key, late)]

    def slots() -> list[tuple[int, bool]]:
        rows = Usage.objects.filter(app_id=app.pk).order_by("hour").values_list("hour", "slot")
        return [(hour, slot < 0) for hour, slot in rows]

    add(10, 3)
    add(70, 4)
    whole = [(7, 2153), (7, 2153), (4, 2153)]
    assert seen() == whole
    before = {row.hour: row.turns for row in by_hour(yesterday.date())}
    fold()
    assert (seen(), slots()) == (whole, [(0, True), (1, True)])
    assert {row.hour: row.turns for row in by_hour(yesterday.date())} == before
    add(20)  # a turn that began before and ended late
    assert (seen(), slots()) == ([(8, 2153), (8, 2153), (4, 2153)], [(0, True), (0, False), (1, True)])
    fold()
    assert (seen(), slots()) == ([(8, 2153), (8, 2153), (4, 2153)], [(0, True), (1, True)])
    # As if two days had passed.
    long_ago = yesterday.date() - timedelta(days=3000)
    with connection.cursor() as cursor:
        for table in ("keys_usage", "keys_usagetotal"):
            cursor.execute(f"UPDATE {table} SET day = %s WHERE app_id = %s", [long_ago, app.pk])
    fold()
    assert slots() == [(-1, True)]
    (total,) = UsageTotal.objects.filter(app_id=app.pk)
    assert (total.hour, total.turns) == (-1, 8)
    assert [(row.hour, row.turns) for row in by_hour(long_ago)] == [(0, 4), (1, 4)]


OLD_TURNS = """
from datetime import datetime, timedelta, UTC
from apps_registry.models import App, Model, Provider
from sessions_app.models import ChatSession, Turn
provider = Provider.objects.create(slug="old", base_url="http://127.0.0.1:9/v1")
model = Model.objects.create(name="old", provider=provider, provider_model_id="old")
app = App.objects.create(slug="old", name="Old", default_model=model)
session = ChatSession.objects.create(app=app, version=1)
at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
def turn(status, **more):
    times = {"started_at": at, "finished_at": at + timedelta(seconds=1)}
    Turn.objects.create(session=session, app=app, status=status, **times, **more)
turn("completed", model="old", prompt_tokens=5, completion_tokens=7, cost="0.25", app_key_id=77, first_token_ms=100)
turn("completed", model="old", prompt_tokens=1, completion_tokens=2, app_key_id=77)
turn("failed", model="old")
turn("running", model="old")
"""


def test_usage_of_the_previous_version_is_filled_from_its_turns(manage_empty: Manage) -> None:
    assert manage_empty("migrate", "-v0", "keys", "0010_usage_and_limits").code == 0
    assert manage_empty("shell", "-v0", "-c", OLD_TURNS).code == 0
    assert manage_empty("migrate", "-v0").code == 0
    shown = manage_empty("usage", "--json", "--by", "key", "--from", "2026-01-02", "--to", "2026-01-02")
    without, keyed = json.loads(shown.out)
    assert (without["turns"], without["errors"], without["key"]) == (1, 1, "")
    assert (keyed["turns"], keyed["prompt_tokens"], keyed["completion_tokens"]) == (2, 6, 9)
    assert (keyed["cost"], keyed["unpriced_tokens"]) == ("0.25", 3)
    assert (keyed["latency_p50_ms"], keyed["first_token_p95_ms"]) == (1076, 95)


def test_an_app_may_show_its_callers_what_a_turn_has_used(server: Server, model_server: ModelServer) -> None:
    row = factories.make_model(model_server.base_url, **PRICES)
    app = factories.make_app(base_url=model_server.base_url, default_model=row, shows_usage=True)
    model = ScriptedModel(model_server, row.name)
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        model.will(says("One", " two", prompt_tokens=100))
        usage = {"model": row.name, "prompt_tokens": 100, "completion_tokens": 2, "cost": "0.00033"}
        assert client.chat("Hi")["usage"] == client.state()["usage"] == usage
        App.objects.filter(pk=app.pk).update(shows_usage=False)
        assert "usage" not in client.state()
