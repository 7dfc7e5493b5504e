"""The overview: today's numbers, what needs attention, running turns, and the workers."""

import html
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aomi_site.console.overview.attention import MAX_OF_A_KIND
from aomi_site.console.overview.today import read_today, tiles
from apps_registry.models import App, OutboundCall
from keys.limits.fuse import pull_fuse
from keys.limits.values import app_subject, key_subject
from keys.models import AppKey, Refusal, Usage
from sessions_app.models import ChatSession, Message, Turn, WorkerState
from tests import factories
from tests.accounts import limit
from tests.product import Server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOME = "/admin/"
REFRESH_MS = 5_000  # aomi_site/static/aomi/overview.js
HOSTILE = "<script>window.hacked = 1</script>"


def make_turn(app: App, started: datetime, **fields: object) -> Turn:
    session = factories.make_session(app)
    values = {"model": "m", "status": "completed", "finished_at": started + timedelta(seconds=1), **fields}
    return Turn.objects.create(session=session, app=app, started_at=started, **values)


def test_the_first_steps_are_shown_until_the_first_call_and_then_the_overview(admin_client: Client, app: App) -> None:
    make_turn(app, timezone.now())
    assert "<h1>Overview</h1>" in admin_client.get(HOME).content.decode()
    for first in (admin_client.get(HOME, {"start": ""}).content.decode(), _without_usage(admin_client)):
        assert "<h1>Getting started</h1>" in first
        assert "Issue a key" in first


def _without_usage(client: Client) -> str:
    # In a transaction that is rolled back: the other tests of the process share the database.
    with transaction.atomic():
        Usage.objects.all().delete()
        page = client.get(HOME).content.decode()
        transaction.set_rollback(True)
    return page


def test_today_is_compared_with_the_same_time_a_week_ago(app: App) -> None:
    noon = datetime(2021, 3, 17, 12, 30, tzinfo=UTC)
    for hour in (0, 9, 12):
        make_turn(app, noon.replace(hour=hour, minute=1), prompt_tokens=1)
    for hour in (3, 11, 12, 12, 20):
        make_turn(app, noon.replace(hour=hour, minute=50) - timedelta(days=7), status="failed")
    today = read_today(noon)
    assert ([row.turns for row in today.hours], today.total.turns) == ([1, *[0] * 8, 1, 0, 0, 1], 3)
    # Two in the hours that have passed, and half of the two in the hour that has half passed.
    assert today.then(lambda row: row.turns) == 2 + 2 * 0.5
    assert (today.total.error_rate, today.week_ago.error_rate) == (0, 1)
    turns = next(tile for tile in tiles(today, running=None, may_see_turns=False) if tile.name == "Turns")
    # A bar has its place in the whole day: 0 h, 9 h and 12 h of 24.
    assert re.findall(r'<rect x="([^"]+)"', turns.chart or "") == ["0.00%", "37.50%", "50.00%"]


@pytest.mark.usefixtures("fuse")
def test_what_needs_attention_is_named_with_where_to_go(
    admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    make_turn(app, timezone.now())
    expiring = factories.make_key(app, label=HOSTILE, expires_at=timezone.now() + timedelta(days=2, hours=1)).app_key
    near = factories.make_key(app).app_key
    limit(key_subject(near.pk), tokens_per_day=10)
    make_turn(app, timezone.now(), app_key_id=near.pk, status="running", finished_at=None)
    Turn.objects.filter(app_key_id=near.pk).update(status="completed", prompt_tokens=9, completion_tokens=0)
    document = factories.make_document(app)
    type(document).objects.filter(pk=document.pk).update(state="failed", error=f"Encrypted {HOSTILE}")
    for _ in range(4):
        OutboundCall.objects.create(
            app=app, tool="get_price", method="GET", host="h", milliseconds=1, received_bytes=0, verdict="timed out"
        )
    model = factories.make_model()
    WorkerState.objects.create(**worker(open_models=[[model.provider_id, model.provider_model_id]]))
    WorkerState.objects.create(**worker(version="0.0.2"))
    pull_fuse(None)
    page, nobody = (client.get(HOME).content.decode() for client in (admin_client, staff_client()))
    WorkerState.objects.filter(version__startswith="0.0.").delete()
    failed = f"app__id__exact={app.pk}&amp;outcome=failed&amp;q=get_price"
    for words, url in {
        "expires in 2 days": f"/admin/keys/appkey/{expiring.pk}/change/",
        "has used 90 % of its tokens per day": f"/admin/keys/appkey/{near.pk}/change/",
        "Encrypted": f"/admin/apps_registry/document/{document.pk}/change/",
        "4 of its 4 outbound calls of the last hour failed": failed,
        "circuit breaker open": f"/admin/apps_registry/model/{model.pk}/change/",
        "an operator pulled it": "/admin/keys/fusestate/",
        "serve different versions": "#workers",
    }.items():
        assert words in page, words
        assert url in page, url
    assert HOSTILE not in page
    for words in ("expires in", "has used", "Encrypted", "outbound calls", "circuit breaker", "pulled it", app.slug):
        assert words not in nobody, words
    assert "Today" not in nobody


def worker(**fields: object) -> dict[str, object]:
    return {
        "id": uuid.uuid4(),
        "host": factories.unique("host"),
        "pid": 7,
        "version": "0.0.1",
        "bus": "postgres",
        "hears_bus": True,
        "running_turns": 0,
        "readers": 0,
        **fields,
    }


def test_workers_are_shown_and_old_ones_are_gone(admin_client: Client, server: Server, app: App) -> None:
    make_turn(app, timezone.now())
    serving = WorkerState.objects.exclude(version__startswith="0.0.")
    wait_until(lambda: serving.count() >= 2)  # the shared server has two workers
    killed = WorkerState.objects.create(**worker())
    WorkerState.objects.filter(pk=killed.pk).update(seen_at=timezone.now() - timedelta(minutes=5))
    deaf = WorkerState.objects.create(**worker(hears_bus=False, failing_loops=["sweep"]))
    page = admin_client.get(HOME).content.decode()
    assert re.search(rf"{killed.host}.*?gone", page, re.DOTALL)
    for words in ("no longer reports", "does not hear the other workers", "its loop sweep fails"):
        assert words in page
    assert "serving" in page
    WorkerState.objects.filter(pk=killed.pk).update(seen_at=timezone.now() - timedelta(hours=2))
    wait_until(lambda: not WorkerState.objects.filter(pk=killed.pk).exists())  # a worker's next row removes it
    WorkerState.objects.filter(pk__in=(killed.pk, deaf.pk)).delete()


def test_a_worker_that_ends_removes_its_row(start: Callable[..., Server]) -> None:
    before = set(WorkerState.objects.values_list("pk", flat=True))
    server = start(workers=1)
    wait_until(lambda: WorkerState.objects.exclude(pk__in=before).exists())
    mine = WorkerState.objects.exclude(pk__in=before).get()
    assert (mine.bus, mine.hears_bus, mine.open_models) == ("postgres", True, [])
    assert server.stop() == 0
    assert not WorkerState.objects.filter(pk=mine.pk).exists()


def set_running(app: App, title: str = HOSTILE) -> tuple[ChatSession, Turn]:
    """Make a session whose turn runs and has called a tool."""
    turn = make_turn(app, timezone.now(), status="running", finished_at=None)
    session = turn.session
    Message.objects.create(session=session, turn=turn, position=0, role="tool", tool_name="get_price", content="{}")
    lease = timezone.now() + timedelta(minutes=5)
    running = {"status": "processing", "running_turn": turn.pk, "lease_expires_at": lease, "title": title}
    ChatSession.objects.filter(pk=session.pk).update(**running)
    return session, turn


def end_all(app: App) -> None:
    Turn.objects.filter(app=app, status="running").update(status="completed", finished_at=timezone.now())
    ChatSession.objects.filter(app=app).update(status="idle", running_turn=None, lease_expires_at=None)


def test_a_running_turn_is_linked_and_shown_again_without_the_frame(
    admin_client: Client, staff_client: Callable[..., Client], app: App
) -> None:
    make_turn(app, timezone.now())
    session, _ = set_running(app)
    page, part = (admin_client.get(HOME, query).content.decode() for query in ({}, {"live": ""}))
    strangers = [staff_client(*may).get(HOME, {"live": ""}).content.decode() for may in ((), ("view_usage",))]
    end_all(app)
    for shown in (page, part):
        assert f"/admin/sessions_app/chatsession/{session.pk}/change/" in shown
        assert "after <bdi>get_price</bdi>" in shown
        assert HOSTILE not in shown
        assert " style=" not in shown
    assert ("<html" in page, "<html" in part) == (True, False)
    for stranger in strangers:
        assert "Right now" not in stranger
        assert str(session.pk) not in stranger
    assert ["Today" in stranger for stranger in strangers] == [False, True]
    assert Client().get(HOME, {"live": ""}).status_code == 302


SEES_ALL = (
    *("view_usage", "view_chatsession", "view_turn", "view_fusestate", "view_model", "view_outboundcall"),
    *("view_document", "view_appkey", "change_app", "view_refusal"),
)


def refused(app: App, at: datetime, count: int) -> None:
    Refusal.objects.create(
        id=int(at.timestamp() * 1_000_000) << 10, at=at, status=401, code="invalid_key", rule="key_unknown", count=count
    )


def test_many_refused_calls_of_the_last_hour_are_named_with_their_list(
    staff_client: Callable[..., Client], app: App
) -> None:
    make_turn(app, timezone.now())
    client, stranger = staff_client("view_refusal"), staff_client("view_appkey")
    now = timezone.now()
    with transaction.atomic():
        Refusal.objects.all().delete()
        refused(app, now - timedelta(minutes=30), 49)
        few = client.get(HOME).content.decode()
        refused(app, now - timedelta(minutes=20), 2_000)
        with CaptureQueriesContext(connection) as queries:
            many, others = client.get(HOME).content.decode(), stranger.get(HOME).content.decode()
        (url,) = re.findall(r'href="(/admin/keys/refusal/[?]at__gte=[^"]*)"', many)
        listed = client.get(html.unescape(url)).context["cl"].result_count
        refused(app, now - timedelta(hours=5), 23 * 1_000)
        usual = client.get(HOME).content.decode()
        transaction.set_rollback(True)
    assert "2,049 in the last hour; the hours of the day before had 0 on average" in many
    assert listed == 2
    assert len(queries) <= 26  # of two pages
    for page in (few, usual, others):
        assert "in the last hour;" not in page


def test_keys_that_are_replaced_do_not_expire_soon(admin_client: Client, app: App) -> None:
    make_turn(app, timezone.now())
    soon = timezone.now() + timedelta(hours=3)
    label = factories.unique("rotated")
    old = factories.make_key(app, label=label, expires_at=soon).app_key
    new = factories.make_key(app, label=f"{label}-next").app_key
    page, status = f"/admin/keys/appkey/{old.pk}/change/", {"q": label, "status": "expiring"}
    for successor, is_shown in ((None, True), (old, False)):
        AppKey.objects.filter(pk=new.pk).update(rotated_from=successor)
        assert (page in admin_client.get(HOME).content.decode()) == is_shown
        assert (page in admin_client.get("/admin/keys/appkey/", status).content.decode()) == is_shown
    AppKey.objects.filter(pk=new.pk).update(revoked_at=timezone.now())  # then nothing replaces the old one
    assert page in admin_client.get(HOME).content.decode()
    AppKey.objects.filter(pk=old.pk).update(expires_at=timezone.now())


@pytest.mark.usefixtures("fuse")
def test_the_overview_takes_at_most_thirteen_queries_with_every_panel_filled(
    staff_client: Callable[..., Client], app: App
) -> None:
    for number in range(11):
        set_running(app, f"No. {number}")
    make_turn(app, timezone.now())
    factories.make_key(app, expires_at=timezone.now() + timedelta(days=2, hours=1))
    near = factories.make_key(app).app_key
    limit(key_subject(near.pk), tokens_per_day=10)
    make_turn(app, timezone.now(), app_key_id=near.pk, prompt_tokens=9)
    document = factories.make_document(app)
    type(document).objects.filter(pk=document.pk).update(state="failed", error="Encrypted")
    for _ in range(4):
        call = {"tool": "get_price", "method": "GET", "host": "h", "milliseconds": 1, "received_bytes": 0}
        OutboundCall.objects.create(app=app, verdict="timed out", **call)
    model = factories.make_model()
    WorkerState.objects.create(**worker(open_models=[[model.provider_id, model.provider_model_id]]))
    pull_fuse(None)
    client = staff_client(*SEES_ALL)
    admin_log = LogEntry.objects.create(
        user_id=client.session["_auth_user_id"], content_type=None, object_repr="x", action_flag=2
    )
    pages = {}
    for query in ("", "live"):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(HOME, {query: ""} if query else {}).content.decode()
        pages[query] = (len(queries), page)
    end_all(app)
    admin_log.delete()
    WorkerState.objects.filter(version__startswith="0.0.").delete()
    for count, page in pages.values():
        for words in (
            "1 more",
            "expires in",
            "has used",
            "Encrypted",
            "outbound calls",
            "circuit breaker",
            "pulled it",
        ):
            assert words in page, words
        assert count <= 13
    assert "Your last changes" in pages[""][1]


@pytest.mark.usefixtures("fuse")
def test_more_of_a_kind_than_fit_are_counted_and_lead_to_their_list(
    admin_client: Client, app: App, staff_client: Callable[..., Client]
) -> None:
    make_turn(app, timezone.now())
    many, named = MAX_OF_A_KIND + 2, factories.unique("many")
    models = [factories.make_model(name=f"{named}-model-{number}") for number in range(many)]
    for number in range(many):
        factories.make_key(app, label=f"{named}-expiring", expires_at=timezone.now() + timedelta(days=2, hours=1))
        near = factories.make_key(app, label=f"{named}-near").app_key
        other = factories.make_app(name=f"{named}-app")
        for subject in (key_subject(near.pk), app_subject(other.pk)):
            limit(subject, tokens_per_day=10)
        turn = make_turn(other, timezone.now(), app_key_id=near.pk, status="running", finished_at=None)
        Turn.objects.filter(pk=turn.pk).update(status="completed", prompt_tokens=9, completion_tokens=0)
        document = factories.make_document(app, name=f"{named}-document-{number}.txt")
        type(document).objects.filter(pk=document.pk).update(state="failed", error="Encrypted")
        call = {"tool": f"{named}_{number}", "method": "GET", "host": "h", "milliseconds": 1, "received_bytes": 0}
        OutboundCall.objects.bulk_create(OutboundCall(app=app, verdict="timed out", **call) for _ in range(4))
    loops = [f"{named}-loop-{number}" for number in range(many)]
    row = WorkerState.objects.create(
        **worker(failing_loops=loops, open_models=[[model.provider_id, model.provider_model_id] for model in models])
    )
    client = staff_client(*SEES_ALL)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(HOME).content.decode()
    row.delete()
    assert len(queries) <= 13
    assert page.count(f"its loop {named}") == MAX_OF_A_KIND
    lines = re.findall(r"<li[^>]*>(?:(?!</li>).)*?([\d,]+) more([a-z ]*)<(?:(?!</li>).)*?href=\"([^\"]+)", page)
    lists = {html.unescape(url): int(count.replace(",", "")) for count, _, url in lines if "status__exact" not in url}
    kinds = (
        "status=expiring",
        "status=near",
        "state__exact=failed",
        "outcome=failed",
        "/app/?id__in=",
        "/model/?id__in=",
        "#workers",
    )
    for kind in kinds:
        assert sum(kind in url for url in lists) == 1, (kind, lists)
        url = next(url for url in lists if kind in url)
        assert lists[url] >= 2, kind
        listed = admin_client.get(url)
        assert listed.status_code == 200, url
        assert named in listed.content.decode() or "#workers" in url, url


@pytest.mark.thorough
@pytest.mark.browser
def test_the_overview_refreshes_itself_and_keeps_the_focus(console: "Page", server: Server, app: App) -> None:
    make_turn(app, timezone.now())
    first, _ = set_running(app, "Asked before")
    console.clock.install()
    console.goto(f"{server.url}/admin/")
    console.focus("a:has-text('Asked before')")
    console.evaluate("window.stays = document.activeElement")
    second, turn = set_running(app, "Asked meanwhile")
    console.clock.fast_forward(REFRESH_MS)
    console.wait_for_selector("text=Asked meanwhile")
    assert console.evaluate("document.activeElement === window.stays && window.stays.isConnected")
    # The focused row moves down, then disappears.
    Turn.objects.filter(pk=turn.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    console.clock.fast_forward(REFRESH_MS)
    console.wait_for_selector("li:has-text('Asked meanwhile') + li:has-text('Asked before')")
    assert console.evaluate("document.activeElement.textContent") == "Asked before"
    ChatSession.objects.filter(pk=first.pk).update(status="idle", running_turn=None)
    console.clock.fast_forward(REFRESH_MS)
    console.wait_for_selector("text=Asked before", state="detached")
    assert console.locator("[data-live] [aria-live], [data-live] [role=status]").count() == 0
    requests: list[str] = []
    console.on("request", lambda request: requests.append(request.url))
    console.evaluate("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")
    console.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    console.clock.fast_forward(10 * REFRESH_MS)
    assert requests == []
    ChatSession.objects.filter(pk=second.pk).update(status="idle", running_turn=None)
    console.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    console.wait_for_selector("text=Asked meanwhile", state="detached")
    end_all(app)
    console.context.clear_cookies()
    console.clock.fast_forward(REFRESH_MS)
    console.wait_for_selector("text=You are no longer logged in")
