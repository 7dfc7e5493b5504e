"""Accessibility of the console: axe-core finds nothing serious, and the keyboard is enough."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from django.test import Client
from django.utils import timezone

from aomi_site.console.usage.usage_query import ROWS
from apps_registry.models import App, AppModel
from keys.models import AppKey
from sessions_app.models import Turn
from tests import factories
from tests.admin.test_app_pages import TABS
from tests.admin.test_console import one_of_each
from tests.admin.test_session_pages import hostile_session
from tests.npm import install
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

SOURCES = Path(__file__).parent / "axe"
MODES: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (1440, "light"),
    (1440, "dark"),
    (390, "light"),
    (390, "dark"),
)
# Targets of 24 px are a rule of WCAG 2.2 that axe-core leaves off by default.
RUN_AXE = """
async () => {
  const options = {resultTypes: ["violations"], preload: false, rules: {"target-size": {enabled: true}}};
  const {violations} = await axe.run(document, options);
  const bad = violations.filter((each) => ["serious", "critical"].includes(each.impact));
  return bad.map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
}
"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core."""
    folder = tmp_path_factory.mktemp("axe")
    install(SOURCES, folder)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def fill_tables(app: App) -> None:
    """Fill the tables of the App's page, and have more keys in use than the page of usage shows."""
    AppModel.objects.create(app=app, model=factories.make_model(), position=0)
    factories.make_secret(app, "KEY", "value", hosts="a.example")
    now, session = timezone.now(), factories.make_session(app)
    turns = {"session": session, "app": app, "model": "m", "status": "completed", "finished_at": now}
    for number in range(ROWS + 1):
        Turn.objects.create(app_key_id=10**9 + number, **turns)


def pages(app: App, rows: dict[str, Any]) -> list[str]:
    """At least fifteen pages: every list with its hostile rows, the pages that they link to, and forms."""
    session, turn = hostile_session(app)
    fill_tables(app)
    with_rows = ("apps_registry/app", "apps_registry/document", "keys/appkey", "sessions_app/chatsession")
    return [
        *("", "?start", "settings/", "usage/?by=key", f"search/?q={app.slug}", "nothing/", "password_change/"),
        *(f"{name}/?q={app.slug}" for name in with_rows),
        *(f"{name}/{rows[name]}/change/" for name in ("apps_registry/app", "apps_registry/model", "keys/appkey")),
        *(f"apps_registry/app/{app.pk}/{tab}/" for tab in TABS[1:]),
        *("apps_registry/app/add/", "keys/appkey/add/", f"keys/appkey/revoke/?ids={rows['keys/appkey']}"),
        f"apps_registry/app/{app.pk}/playground/?turn={turn.pk}",
        f"sessions_app/chatsession/{session.pk}/change/",
        f"sessions_app/turn/{turn.pk}/change/",
        *("sessions_app/turn/", "keys/refusal/", "auth/user/"),
    ]


@pytest.mark.browser
@pytest.mark.thorough
def test_axe_finds_nothing_serious_and_no_page_is_too_wide(console: "Page", server: Server, app: App, axe: str) -> None:
    console.emulate_media(reduced_motion="reduce")
    findings, charts = [], console.locator(".aomi-plot:visible")
    for path in pages(app, one_of_each(app)):
        console.goto(f"{server.url}/admin/{path}")
        console.evaluate(axe)
        for width, scheme in MODES:
            console.set_viewport_size({"width": width, "height": 900})
            console.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if charts.count():
                charts.first.focus()
                console.keyboard.press("ArrowLeft")  # shows the numbers of a point
                console.evaluate("window.scrollTo(0, 0)")  # nothing is partly covered by the header
            findings += [f"{path} {width} {scheme} {finding}" for finding in console.evaluate(RUN_AXE)]
            if (excess := console.evaluate(TOO_WIDE)) > 0:
                findings.append(f"{path} is {excess} px too wide at {width}")
    assert findings == []


@pytest.mark.thorough
@pytest.mark.browser
def test_the_keyboard_alone_issues_and_revokes_a_key(
    console: "Page", server: Server, app: App, admin_client: Client
) -> None:
    label = factories.unique("by keyboard")
    console.goto(f"{server.url}/admin/keys/appkey/add/?apps={app.pk}")
    press_until(console, "document.activeElement.id === 'id_label'")
    console.keyboard.type(label)
    console.keyboard.press("Enter")
    console.wait_for_selector("#new-key")
    key = AppKey.objects.get(label=label)
    console.goto(f"{server.url}/admin/keys/appkey/{key.pk}/change/")
    press_until(console, "document.activeElement.textContent.trim().startsWith('Revoke')")
    console.keyboard.press("Enter")
    console.wait_for_selector("main form [type=submit]")
    press_until(console, "document.activeElement.id === 'id_reason'")
    console.keyboard.type("Tried by keyboard")
    console.keyboard.press("Enter")
    console.wait_for_selector("text=revoked. It takes effect with the next request")
    key.refresh_from_db()
    assert key.revoked_at is not None


def press_until(console: "Page", condition: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(60):
        console.keyboard.press("Tab")
        if console.evaluate(condition):
            return
    raise AssertionError(f"Tab does not lead to: {condition}")
