"""An App's page in tabs: what each shows and saves, who may see it, and what it costs."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps_registry.models import App, OutboundCall
from apps_registry.releases.services import publish
from keys.models import Usage
from keys.usage.histograms import BUCKETS
from tests import factories
from tests.admin.test_app_pages import TABS, TABS_WITH_FORMS, form, models_form, page, tools_form
from tests.admin.test_tool_pages import form as tool_form
from tests.client import Client as ApiClient
from tests.model_server import ScriptedModel, says
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

VIEW = ("view_app", "view_tool", "view_mcpserver", "view_document", "view_model", "view_appkey", "view_usage")


def used(app: App, **overrides: Any) -> None:
    """Give the App usage on each of the last 30 days."""
    nothing = [0] * BUCKETS
    fields = {
        "app_id": app.pk,
        "app_slug": app.slug,
        "model": "m",
        "kind": "turn",
        "slot": 0,
        "latency_counts": nothing,
        "first_token_counts": nothing,
        "turns": 100,
        "errors": 3,
        "prompt_tokens": 1000,
        "completion_tokens": 500,
        "cost": "0.5",
        **overrides,
    }
    today = datetime.now(UTC).date()
    Usage.objects.bulk_create(Usage(day=today - timedelta(days=number), **fields) for number in range(30))


def called(app: App, tool: str, verdict: str, number: int, **fields: Any) -> None:
    sent = {"method": "GET", "host": "a.example:443", "milliseconds": 5, "received_bytes": 1, "turn_id": uuid.uuid4()}
    OutboundCall.objects.bulk_create(
        OutboundCall(app=app, tool=tool, verdict=verdict, **sent, **fields) for _ in range(number)
    )


@pytest.fixture
def large_app(app: App) -> App:
    """An App with realistic amounts of everything that its page shows."""
    app.alternatives.add(*(factories.make_model() for _ in range(5)))
    for number in range(12):
        factories.make_http_tool(app, "https://a.example/", name=f"tool_{number}")
        factories.make_key(app)
    for number in range(8):
        factories.make_document(app, f"Document {number}")
        factories.make_secret(app, f"KEY_{number}", "a-value-that-is-secret", hosts="a.example:443")
    publish(app)
    App.objects.filter(pk=app.pk).update(preamble="Be brief.", reply_language="French")
    used(app)
    called(app, "tool_1", "timed out", 3)
    called(app, "tool_1", "answered", 7, status=200)
    called(app, "tool_2", "answered", 1, status=500)
    return App.objects.get(pk=app.pk)


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_every_tab_costs_fifteen_queries_at_most(
    admin_client: Client, staff_client: Callable[..., Client], large_app: App
) -> None:
    onlooker = staff_client(*VIEW, "view_outboundcall", "view_secret")
    for client in (admin_client, onlooker):
        client.get(page(large_app))  # content types are remembered from the first look on
        costs = {tab: queries(client, page(large_app, tab)) for tab in TABS}
        assert {tab: cost for tab, cost in costs.items() if cost > 15} == {}, costs


def test_the_overview_says_what_is_live_used_and_broken(admin_client: Client, large_app: App) -> None:
    shown = " ".join(admin_client.get(page(large_app)).content.decode().split())
    assert "Release 1 is live" in shown
    state = shown.partition('id="app-state"')[2].partition('id="keyless"')[0]
    assert "<strong>The draft differs from release 1</strong>:" in state
    assert re.findall(r'<a href="([^"]+)">(\w+)</a>', state) == [(page(large_app, "prompt"), "prompt")]
    assert "(2 changes)" in state
    tiles = shown.partition('id="app-usage"')[2].partition("</dl>")[0]
    sums = re.findall(r'<dt>(\w+)</dt> <dd[^>]*>(?:<a href="[^"]*">)?([^<]*)<', tiles)
    assert sums == [("Turns", "3,000"), ("Failed", "90"), ("Tokens", "45.0 k"), ("Cost", "$15.00")]
    assert f"app__id__exact={large_app.pk}&amp;started_at__gte=" in tiles
    failing = shown.partition('id="failing-tools"')[2].partition("</table>")[0]
    assert re.findall(r"<td>(\d of \d+)</td><td>([^<]*)</td>", failing) == [
        ("3 of 10", "timed out"),
        ("1 of 1", "status 500"),
    ]
    assert [f'href="{page(large_app, tab)}"' in shown for tab in TABS] == [True] * len(TABS)
    App.objects.filter(pk=large_app.pk).update(temperature=0.5, max_tool_rounds=3)
    factories.make_http_tool(large_app, "https://a.example/", name="a_new_tool")
    shown = admin_client.get(page(large_app)).content.decode()
    state = shown.partition('id="app-state"')[2].partition('id="keyless"')[0]
    assert re.findall(r">(prompt|models|tools|documents|settings)</a>", state) == [
        *("prompt", "models", "tools", "settings")
    ]
    publish(App.objects.get(pk=large_app.pk))
    assert "The draft equals release 2." in admin_client.get(page(large_app)).content.decode()


def test_lists_of_tools_show_their_calls_of_the_last_hour(
    admin_client: Client, staff_client: Callable[..., Client], large_app: App
) -> None:
    called(large_app, "tool_1", "cancelled", 2)
    called(large_app, "tool_10", "timed out", 4)  # another tool, whose name begins in the same way
    called(large_app, "tool_3", "answered", 5, status=200, created_at=datetime.now(UTC) - timedelta(hours=2))
    lists = (page(large_app, "tools"), f"/admin/apps_registry/tool/?app__id__exact={large_app.pk}")
    for path in lists:
        with CaptureQueriesContext(connection) as captured:
            shown = admin_client.get(path).content.decode()
        counting = [query for query in captured.captured_queries if "outboundcall" in query["sql"]]
        assert (len(counting), len(captured) <= 15) == (1, True), path
        links = [(unescape(url), int(number)) for url, number in re.findall(CALLS, shown)]
        assert sorted(number for _, number in links) == [1, 1, 3, 4, 4, 10]
        for url, number in links:
            assert admin_client.get(url).context["cl"].result_count == number, url
        assert shown.count("no calls") == 9
    onlooker = staff_client(*VIEW)
    assert [re.search(CALLS, onlooker.get(path).content.decode()) for path in lists] == [None, None]
    assert "no calls" not in "".join(onlooker.get(path).content.decode() for path in lists)


CALLS = r'href="(/admin/apps_registry/outboundcall/[^"]+)">(\d+) (?:call|failed)'


def test_a_tab_saves_its_own_fields_only_and_stays(admin_client: Client, app: App) -> None:
    for tab, sent, expected in (
        ("prompt", {"preamble": "One.\r\n", "reply_language": "French"}, "Changed Preamble and Reply language."),
        ("models", models_form(app, temperature="0.5"), "Changed Temperature."),
        ("tools", tools_form(app, builtin_tools=["calculate"]), "Changed Built-in tools."),
        ("documents", {"document_language": "german"}, "Changed Document language."),
        ("releases", {"sessions_keep_release": "on"}, "Changed Sessions keep their release."),
        ("settings", form(app, name="New name", retention_days="30"), "Changed Name and Retention days."),
    ):
        # Fields of other tabs are ignored here, and fields that are not sent do not change.
        answer = admin_client.post(page(app, tab), {"slug": "other", "is_default": "on", **sent})
        assert (answer.status_code, answer.headers["Location"]) == (302, page(app, tab)), tab
        newest = LogEntry.objects.filter(object_id=str(app.pk)).order_by("-pk")[0]
        assert newest.get_change_message() == expected
    saved = App.objects.get(pk=app.pk)
    assert (saved.slug, saved.is_default, saved.name) == (app.slug, False, "New name")
    assert (saved.preamble, saved.reply_language, saved.temperature) == ("One.\n", "French", 0.5)
    assert (saved.document_language, saved.sessions_keep_release, saved.retention_days) == ("german", True, 30)
    assert list(app.tools.filter(is_enabled=True).values_list("name", flat=True)) == ["calculate"]
    assert set(TABS_WITH_FORMS) == {"prompt", "models", "tools", "documents", "releases", "settings"}


def test_saving_says_when_callers_get_the_change(admin_client: Client, app: App) -> None:
    prompt = page(app, "prompt")

    def says_when(path: str, sent: dict[str, Any]) -> bool:
        answer = admin_client.post(path, sent, follow=True)
        assert answer.redirect_chain, path
        shown = answer.content.decode()
        return f'Callers get it when you <a href="{page(app, "releases")}">publish {app.slug}</a>.' in shown

    assert not says_when(prompt, {"preamble": "One."})  # the draft is live
    publish(app)
    assert says_when(prompt, {"preamble": "Two."})
    assert not says_when(prompt, {"preamble": "Two."})
    assert says_when(page(app, "tools"), tools_form(app, builtin_tools=["calculate"]))
    # Hosts, names and retention take effect at once.
    assert not says_when(
        page(app, "tools"), tools_form(app, builtin_tools=["calculate"], allowed_hosts="a.example:443")
    )
    assert not says_when(page(app, "settings"), form(app, name="New name", retention_days="30"))
    assert says_when("/admin/apps_registry/tool/add/", tool_form(app))


def test_a_tab_without_a_form_accepts_none(admin_client: Client, staff_client: Callable[..., Client], app: App) -> None:
    onlooker = staff_client(*VIEW)
    for tab in TABS:
        assert onlooker.post(page(app, tab), form(app, name="Theirs")).status_code == 403, tab
        if tab not in TABS_WITH_FORMS:
            assert admin_client.post(page(app, tab), form(app, name="Theirs")).status_code == 405, tab
    assert App.objects.get(pk=app.pk).name == app.name


def test_tabs_are_hidden_without_their_permissions(staff_client: Callable[..., Client], app: App) -> None:
    factories.make_http_tool(app, "https://a.example/", name="hidden_tool")
    label = factories.unique("hidden-key")
    factories.make_key(app, label=label)
    used(app)
    onlooker = staff_client("view_app")
    answers = {tab: onlooker.get(page(app, tab)) for tab in TABS}
    assert {tab for tab, answer in answers.items() if answer.status_code == 403} == {"keys", "usage"}
    text = "".join(answer.content.decode() for answer in answers.values())
    assert [words in text for words in ("hidden_tool", label, "3,000", page(app, "keys"), page(app, "usage"))] == [
        False
    ] * 5
    assert staff_client().get(page(app, "prompt")).status_code == 403


def test_a_tab_that_another_form_has_opened_closes_when_it_is_saved(admin_client: Client, app: App) -> None:
    assert f'href="{page(app, "prompt")}?_popup=1"' in admin_client.get(f"{page(app)}?_popup=1").content.decode()
    answer = admin_client.post(page(app, "prompt"), {"preamble": "Two.", "_popup": "1"})
    assert "data-popup-response" in answer.content.decode()
    assert App.objects.get(pk=app.pk).preamble == "Two."


@pytest.mark.parametrize("tab", ["prompt", "keys", "settings"])
def test_a_tab_of_an_unknown_app_does_not_fail(admin_client: Client, tab: str) -> None:
    for app_id in ("999999999", "9" * 30, "abc"):
        assert admin_client.get(f"/admin/apps_registry/app/{app_id}/{tab}/").status_code in {302, 404}


def test_the_prompt_tab_shows_what_the_model_gets(
    admin_client: Client, app: App, app_client: ApiClient, model: ScriptedModel
) -> None:
    sent = {"preamble": "You are <b>brief</b>.\nVery.", "reply_language": "French"}
    assert admin_client.post(page(app, "prompt"), sent).status_code == 302
    model.will(says("Bonjour."))
    app_client.chat("Hi")
    response = admin_client.get(page(app, "prompt"))
    assembled = response.context["assembled"]
    parts = {part.title: part.text for part in assembled["parts"]}
    *system, tools = parts.values()
    assert model.prompts[-1][0]["content"] == "\n\n".join(system)
    assert '"name": "calculate"' in tools
    assert assembled["tokens"] == sum(part.tokens for part in assembled["parts"]) > 100
    shown = response.content.decode()
    assert f"about <strong>{assembled['tokens']:,} tokens</strong>" in shown
    assert "You are &lt;b&gt;brief&lt;/b&gt;." in shown


def test_the_prompt_of_an_app_that_is_off_or_calls_no_tools_is_shown(admin_client: Client) -> None:
    app = factories.make_app(
        is_active=False, preamble="Alone.", default_model=factories.make_model(supports_tools=False)
    )
    assembled = admin_client.get(page(app, "prompt")).context["assembled"]
    assert [part.text for part in assembled["parts"]] == ["Alone."]


@pytest.mark.thorough
@pytest.mark.browser
def test_the_tab_in_use_is_seen_on_a_phone(console: "Page", server: Server, app: App) -> None:
    console.set_viewport_size({"width": 390, "height": 844})
    console.goto(server.url + page(app, "settings"))
    console.wait_for_function(
        "document.querySelector('.aomi-tabs [aria-current]').getBoundingClientRect().right <= window.innerWidth"
    )
    console.click(".aomi-tabs >> text=Prompt")
    console.wait_for_selector("#id_preamble")
    console.fill("#id_preamble", "Said on a phone.")
    console.click("input[name=_save]")
    console.wait_for_selector("text=was changed successfully")
    assert "Said on a phone." in console.inner_text("#assembled")
