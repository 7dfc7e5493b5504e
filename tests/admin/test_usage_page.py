"""The page of usage: its sums equal the Turn rows, its numbers link to them, and its URL contains all filters."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from aomi_site.console.usage.usage_query import ROWS
from apps_registry.admin.figures import COUNT, MONEY
from apps_registry.models import App
from keys.models import AppKey
from keys.services import rotate_key
from sessions_app.models import Turn
from tests import factories
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

USAGE = "/admin/usage/"
MODELS = ("small", "large")


def make_turns(app: App, keys: list[AppKey | None]) -> QuerySet[Turn]:
    """Make turns of many kinds in the last 40 days, and return them."""
    session, now = factories.make_session(app), datetime.now(UTC)
    for number in range(60):
        key = keys[number % len(keys)]
        # Not at midnight and not in the future, whenever the test runs.
        started = now - timedelta(days=number % 41, seconds=1 + number)
        Turn.objects.create(
            session=session,
            app=app,
            app_key_id=key.pk if key else None,
            model=f"{app.slug}-{MODELS[number % 3 == 0]}",
            status=("completed", "completed", "failed", "interrupted", "paused", "running")[number % 6],
            prompt_tokens=100 + number,
            completion_tokens=number,
            cost=Decimal(number) / 1000 if number % 5 else None,
            unpriced_tokens=0 if number % 5 else 7,
            first_token_ms=50 + number,
            started_at=started,
            finished_at=started + timedelta(milliseconds=300 * (1 + number % 9)) if number % 6 != 5 else None,
        )
    return Turn.objects.filter(app=app).exclude(status="running")


def sums_of(turns: QuerySet[Turn]) -> dict[str, Decimal]:
    zero = Decimal(0)
    sums = turns.aggregate(
        turns=Count("pk"),
        errors=Count("pk", filter=Q(status="failed")),
        prompt_tokens=Coalesce(Sum("prompt_tokens"), 0),
        completion_tokens=Coalesce(Sum("completion_tokens"), 0),
        unpriced_tokens=Coalesce(Sum("unpriced_tokens"), 0),
        cost=Coalesce(Sum("cost"), zero),
    )
    return {name: Decimal(value).normalize() for name, value in sums.items()}


def rows_of(client: Client, **query: Any) -> list[dict[str, str]]:
    answer = client.get(USAGE, {**query, "format": "csv"})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def total_of(rows: list[dict[str, str]], names: list[str]) -> dict[str, Decimal]:
    return {name: sum((Decimal(row[name]) for row in rows), Decimal(0)).normalize() for name in names}


def test_every_sum_equals_the_turn_rows(admin_client: Client, app: App) -> None:
    key = factories.make_key(app).app_key
    turns = make_turns(app, [key, None])
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    long_ago = (today - timedelta(days=20)).date()
    ranges: dict[str, tuple[dict[str, Any], QuerySet[Turn]]] = {
        "the last hours": ({"range": "24h"}, turns.filter(started_at__gte=hours_ago(23))),
        "a week": ({"range": "7d"}, turns.filter(started_at__gte=today - timedelta(days=6))),
        "a month": ({"range": "30d"}, turns.filter(started_at__gte=today - timedelta(days=29))),
        "until a day": ({"from": "2020-01-01", "to": str(long_ago)}, turns.filter(started_at__date__lte=long_ago)),
    }
    for name, (query, expected) in ranges.items():
        sums = sums_of(expected)
        assert sums["turns"] > 0
        for by in ("app", "key", "model", "day"):
            rows = rows_of(admin_client, app=app.slug, by=by, **query)
            assert total_of(rows, [*sums]) == sums, (name, by)
        page = admin_client.get(USAGE, {"app": app.slug, **query}).content.decode()
        assert f'title="{MONEY.exact(sums["cost"])}"' in page
        assert f'title="{COUNT.exact(int(sums["prompt_tokens"] + sums["completion_tokens"]))}"' in page
    only = {"app": app.slug, "key": "none", "model": f"{app.slug}-large"}
    (row,) = rows_of(admin_client, **only, by="key")
    keyless = turns.filter(app_key_id=None, model=only["model"], started_at__gte=today - timedelta(days=29))
    assert total_of([row], ["turns", "cost"]) == {name: sums_of(keyless)[name] for name in ("turns", "cost")}


def hours_ago(hours: int) -> datetime:
    return (datetime.now(UTC) - timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)


def links_of(page: str) -> list[tuple[str, str]]:
    return [(unescape(url), text) for url, text in re.findall(r'<a href="([^"]+)">(?:<bdi>)?([^<]+)', page)]


def test_numbers_lead_to_their_rows_and_the_things_to_their_pages(admin_client: Client, app: App) -> None:
    key = factories.make_key(app).app_key
    turns = make_turns(app, [key, None])
    recent = turns.filter(started_at__date__gte=(datetime.now(UTC) - timedelta(days=29)).date())
    by_key = links_of(admin_client.get(USAGE, {"app": app.slug, "by": "key"}).content.decode())
    assert (f"/admin/keys/appkey/{key.pk}/change/", key.label) in by_key
    for owned in (recent.filter(app_key_id=key.pk), recent.filter(app_key_id=None), recent):
        shown = {text for url, text in by_key if "/turn/" in url and listed(admin_client, url) == owned.count()}
        assert COUNT.short(owned.count()) in shown
    failed = next(url for url, _ in by_key if "status__exact=failed" in url and f"app_key_id={key.pk}" in url)
    assert listed(admin_client, failed) == recent.filter(app_key_id=key.pk, status="failed").count()
    page = admin_client.get(USAGE, {"app": app.slug, "by": "app"}).content.decode()
    assert (f"/admin/apps_registry/app/{app.pk}/change/", app.slug) in links_of(page)


def test_the_table_comes_before_the_charts_and_a_grouping_is_a_link(admin_client: Client, app: App) -> None:
    make_turns(app, [None])
    shown = admin_client.get(USAGE, {"app": app.slug, "by": "model"}).content.decode()
    assert 0 < shown.index('id="groups-title"') < shown.index('class="aomi-charts')
    groupings = shown.partition('aria-label="Grouped by"')[2].partition("</div>")[0]
    assert dict(re.findall(r"by=(\w+)[^>]*>By (\w+)<", groupings)) == {
        "app": "App",
        "key": "key",
        "model": "model",
        "day": "day",
    }
    assert 'aria-current="true">By model<' in groupings
    # The other controls keep the grouping, and the default order is marked.
    assert '<input type="hidden" name="by" value="model">' in shown
    assert re.search(r'aria-sort="descending"><a href="[^"]+">Turns<', shown)


def test_a_rotated_key_and_its_successor_have_different_names(admin_client: Client, app: App) -> None:
    old = factories.make_key(app, label="one label").app_key
    new = rotate_key(old, overlap=timedelta(hours=1)).successor
    make_turns(app, [old, new])
    AppKey.objects.filter(pk__in=[old.pk, new.pk]).update(last_used_at=datetime.now(UTC))
    names = (f"one label ({old.prefix}…, replaced)", f"one label ({new.prefix}…)")
    for path in (f"{USAGE}?app={app.slug}&by=key", "/admin/sessions_app/chatsession/"):
        shown = admin_client.get(path).content.decode()
        assert [name in shown for name in names] == [True, True], path


def listed(client: Client, url: str) -> int:
    answer = client.get(url)
    assert answer.status_code == 200, url
    # Running turns are in the list, but have no usage yet.
    rows: int = answer.context["cl"].queryset.exclude(status="running").count()
    return rows


def test_the_url_contains_every_filter_and_mistakes_are_named(admin_client: Client, app: App) -> None:
    make_turns(app, [None])
    page = admin_client.get(USAGE, {"range": "7d", "app": app.slug, "by": "model", "sort": "cost"}).content.decode()
    assert f'<option value="{app.slug}" selected>' in page
    for url, _ in links_of(page):
        if url.startswith("?"):
            assert f"app={app.slug}" in url
            assert admin_client.get(f"{USAGE}{url}").status_code == 200, url
    for query, words in {
        ("from", "2026-02-30"): "Enter a valid date",
        ("range", "century"): "Select a valid choice",
        ("by", "colour"): "Select a valid choice",
        ("app", "nobodys"): "There is no App “nobodys”",
        ("key", "nobody's"): "There is no key “nobody&#x27;s”",
    }.items():
        answer = admin_client.get(USAGE, [query])
        assert (answer.status_code, words in answer.content.decode()) == (400, True), query
    # A date takes the place of the range that the form still holds.
    dated = admin_client.get(USAGE, {"range": "7d", "from": "2026-02-01", "to": "2026-02-02", "sort": "cost"})
    assert "2026-02-01 to 2026-02-02 (UTC)" in dated.content.decode()
    assert 'name="range"' not in dated.content.decode()
    assert '<input type="hidden" name="sort" value="cost">' in dated.content.decode()
    crossed = admin_client.get(USAGE, {"from": "2026-02-02", "to": "2026-02-01"})
    assert "2026-02-02 is after 2026-02-01" in crossed.content.decode()
    empty = admin_client.get(USAGE, {"from": "2001-01-01", "to": "2001-01-02"})
    assert "No usage in this range" in empty.content.decode()
    assert '<input type="hidden" name="sort" value="cost">' in page
    typed = admin_client.get(USAGE, {"range": "7d", "from": "2001-01-01", "to": "2001-01-02"})
    assert "No usage in this range" in typed.content.decode()


def test_the_largest_of_many_come_first_and_the_rest_is_counted(admin_client: Client, app: App) -> None:
    session, now = factories.make_session(app), datetime.now(UTC)
    keys = [factories.make_key(app).app_key for _ in range(ROWS + 2)]
    for number, key in enumerate(keys):
        fields = {"status": "completed", "prompt_tokens": 1, "started_at": now, "finished_at": now, "model": "m"}
        # The first key has one turn and costs most; each further key has one turn more.
        cost = Decimal(len(keys) - number) / (number + 1)
        for _ in range(number % 5 + 1):
            Turn.objects.create(session=session, app=app, app_key_id=key.pk, cost=cost / (number % 5 + 1), **fields)
    shown = {
        sort: names_of(admin_client.get(USAGE, {"app": app.slug, "by": "key", "sort": sort}).content.decode())
        for sort in ("cost", "turns", "tokens", "error_rate")
    }
    assert shown["cost"] == [key.label for key in keys[:ROWS]]
    for sort in ("turns", "tokens"):
        every = [key.label for key in sorted(keys, key=lambda key: (-(keys.index(key) % 5), key.pk))]
        assert shown[sort] == every[:ROWS]
    page = admin_client.get(USAGE, {"app": app.slug, "by": "key"}).content.decode()
    assert "2 more" in page
    assert f"{len(keys) - 3} others" in page
    assert len(
        names_of(admin_client.get(USAGE, {"app": app.slug, "by": "key", "rows": "more"}).content.decode())
    ) == len(keys)


def names_of(page: str) -> list[str]:
    table = page.split('aria-label="Usage by', 1)[1]
    return re.findall(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>', table)


def test_usage_needs_a_permission_takes_few_queries_and_escapes_labels(
    admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    label = "=<script>window.hacked = 1</script>"
    make_turns(app, [factories.make_key(app, label=label).app_key, factories.make_key(app).app_key, None])
    for by in ("app", "key", "model", "day"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = admin_client.get(USAGE, {"app": app.slug, "by": by}).content.decode()
        assert len(queries) <= 15
        assert "<script>window" not in page
        assert " style=" not in page
    assert escape(label) in admin_client.get(USAGE, {"by": "key", "app": app.slug}).content.decode()
    assert f"'{label}" in {row["key"] for row in rows_of(admin_client, app=app.slug, by="key")}
    stranger, reader = staff_client("view_turn", "view_appkey"), staff_client("view_usage")
    assert stranger.get(USAGE).status_code == 403
    assert 'href="/admin/usage/"' not in stranger.get("/admin/").content.decode()
    page = reader.get(USAGE, {"app": app.slug}).content.decode()
    assert 'href="/admin/usage/"' in page
    assert "/admin/apps_registry/app/" not in page  # may see the numbers, not the App
    assert "/admin/sessions_app/turn/" not in page


@pytest.mark.thorough
@pytest.mark.browser
def test_the_numbers_of_the_charts_equal_the_database(console: "Page", server: Server, app: App) -> None:
    recent = make_turns(app, [factories.make_key(app).app_key, None]).filter(
        started_at__date__gte=(datetime.now(UTC) - timedelta(days=29)).date()
    )
    console.goto(f"{server.url}/admin/")
    console.click("#aomi-nav >> text=Usage")
    _each_control_applies_at_once(console, app)
    console.click("main >> text=By key")
    console.wait_for_selector(f"a[href*='by=key'][href*='app={app.slug}'] >> text=CSV")
    sums = {name: Decimal(value) for name, value in sums_of(recent).items()}
    tokens = sums["prompt_tokens"] + sums["completion_tokens"]
    for title, expected in {"Turns": sums["turns"], "Cost": sums["cost"], "Tokens": tokens}.items():
        figure = console.locator("figure", has=console.locator(f"figcaption b:text-is('{title}')"))
        figure.locator("summary").click()
        cells = figure.locator("td:visible").all_inner_texts()
        assert sum(Decimal(cell.strip("$").replace(",", "")) for cell in cells if cell) == expected, title
        assert figure.locator(".aomi-hover").count() == 30
        drawn = [float(height.strip("%")) for height in figure.evaluate(HEIGHTS)]
        assert len(drawn) > 1
        assert 50 < max(drawn) <= 100 or len(cells) > 31
    _numbers_follow_the_pointer_and_the_arrow_keys(console)
    latency = recent.annotate(took=F("finished_at") - F("started_at")).order_by("-took")[0]
    assert latency.finished_at is not None
    console.click("main >> text=24 hours")
    console.wait_for_selector("text=A turn counts for the hour")
    assert "range=24h" in console.url
    assert f"app={app.slug}" in console.url


def _each_control_applies_at_once(console: "Page", app: App) -> None:
    def focused() -> str:
        return str(console.evaluate("document.activeElement.id || document.activeElement.textContent"))

    assert not console.is_visible("main >> text=Show")
    console.evaluate("window.isSamePage = true")
    console.focus("#id_app")
    console.select_option("#id_app", app.slug)
    console.wait_for_selector(f"a[href*='app={app.slug}'] >> text=CSV")
    assert (focused(), f"app={app.slug}" in console.url) == ("id_app", True)
    console.fill("#id_key", "nobody's")
    console.press("#id_key", "Enter")
    console.wait_for_selector("[role=alert] >> text=There is no key")
    assert (focused(), console.locator(".is-wrong #id_key").count()) == ("id_key", 1)
    console.fill("#id_key", "")
    console.press("#id_key", "Enter")
    console.wait_for_selector("text=CSV")
    console.fill("#id_from", "2020-01-01")
    console.wait_for_selector(".aomi-lead >> text=2020-01-01 to")
    assert (focused(), "from=2020-01-01" in console.url, "range=" in console.url) == ("id_from", True, False)
    console.click("main >> text=30 days")
    console.wait_for_url("**range=30d**")
    assert (focused(), console.input_value("#id_from")) == ("30 days", "")
    assert console.locator("main [aria-current]").all_inner_texts() == ["30 days", "By App"]
    assert console.evaluate("window.isSamePage") is True


def _numbers_follow_the_pointer_and_the_arrow_keys(console: "Page") -> None:
    figure = console.locator("figure", has=console.locator("figcaption b:text-is('Turns')"))
    plot, tip = figure.locator(".aomi-plot"), figure.locator(".aomi-tip")
    days = figure.locator("tbody th").all_text_contents()
    figure.scroll_into_view_if_needed()
    figure.locator(".aomi-hover").nth(3).hover()
    assert tip.locator("b").inner_text() == days[3]
    row = figure.locator("tbody tr").nth(3).locator("td").all_text_contents()
    assert tip.locator("dd").all_inner_texts() == [*row, str(sum(map(int, row)))]
    console.mouse.move(0, 0)
    tip.wait_for(state="detached")
    plot.focus()
    shown = []
    for key in ("Home", "ArrowRight", "PageUp", "End", "ArrowLeft", "ArrowRight", "ArrowRight"):
        plot.press(key)
        shown.append(days.index(tip.locator("b").inner_text()))
        assert days[shown[-1]] in (plot.get_attribute("aria-valuetext") or "")
        inside, box = figure.bounding_box(), tip.bounding_box()
        assert inside is not None
        assert box is not None
        assert inside["x"] <= box["x"]
        assert box["x"] + box["width"] <= inside["x"] + inside["width"] + 1
    assert shown == [0, 1, 8, 29, 28, 29, 29]
    plot.press("Escape")
    assert tip.count() == 0
    assert figure.locator("[style]").count() == 0


HEIGHTS = (
    "(figure) => [...figure.querySelectorAll('.aomi-area [class^=aomi-bar]')].map((bar) => bar.getAttribute('height'))"
)
