"""Sessions and turns in the console: readable, escaped, read-only."""

import json
import re
import uuid
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from apps_registry.models import App
from sessions_app.models import ChatSession, Message, SystemEvent, Turn
from tests import factories
from tests.admin.conftest import PAYLOAD, PAYLOADS
from tests.admin.test_app_pages import TABS
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "Line one\n    indented   and spaced\n\n\tline four <b>not bold</b>"


def page(row: ChatSession | Turn, view: str = "change") -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{view}/"


def messages(console: "Page", *, after: str = "") -> list[str]:
    """The texts on the page, or on the page to which a link leads."""
    if after:
        with console.expect_navigation():
            console.locator(f"text={after}").first.click()
    return console.locator("#conversation .aomi-message .aomi-text").all_inner_texts()


def hostile_session(app: App) -> tuple[ChatSession, Turn]:
    """A session in which every text that a caller, a model or a tool can write is an attack."""
    session = factories.make_session(
        app,
        [("user", PAYLOAD), ("agent", PAYLOAD), ("system", PAYLOAD)],
        title=PAYLOAD[:200],
        wallet_address=PAYLOADS[0][:42],
        wallet_chain_id=1,
        user_state=json.dumps({"note": PAYLOAD}),
    )
    turn = session.turns.get()
    Message.objects.create(
        session=session,
        turn=turn,
        position=3,
        role="tool",
        content=PAYLOAD,
        tool_name=PAYLOADS[0],
        tool_call_id=PAYLOADS[1],
        tool_arguments=json.dumps({"x": PAYLOAD}),
    )
    SystemEvent.objects.create(session=session, kind="InlineCall", payload=json.dumps({"x": PAYLOAD}))
    texts = {"error_detail": PAYLOAD, "partial_text": PAYLOAD, "idempotency_key": PAYLOAD}
    short = {"error_code": PAYLOADS[0][:40], "finish_reason": PAYLOADS[1][:40], "model": PAYLOADS[2]}
    Turn.objects.filter(pk=turn.pk).update(status="failed", **texts, **short)
    return session, turn


@pytest.mark.thorough
@pytest.mark.browser
def test_no_message_runs_in_the_operators_browser(console: "Page", server: Server, app: App) -> None:
    session, turn = hostile_session(app)
    App.objects.filter(pk=app.pk).update(name=PAYLOAD[:100], preamble=PAYLOAD)
    label = f"{factories.unique('xss')} {PAYLOADS[1]}"
    key = factories.make_key(app, label=label).app_key
    paths = [
        f"/admin/sessions_app/chatsession/?q={session.pk}",
        page(session),
        page(session, "delete"),
        f"/admin/sessions_app/turn/?q={session.pk}",
        page(turn),
        f"/admin/apps_registry/app/?q={app.slug}",
        *(f"/admin/apps_registry/app/{app.pk}/{tab}/" for tab in TABS),
        f"/admin/keys/appkey/?q={label}",
        f"/admin/keys/appkey/{key.pk}/change/",
        f"/admin/keys/appkey/revoke/?ids={key.pk}",
        "/admin/keys/appkey/add/",
    ]
    for path in paths:
        console.goto(server.url + path)
        console.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
        assert console.evaluate("window.hacked") is None, path
        assert console.locator("#content iframe, #content script:not([src]), #content img[onerror]").count() == 0
    console.goto(server.url + page(session))
    assert [text.inner_text() for text in console.locator(".is-user .aomi-text").all()] == [PAYLOAD]


@pytest.mark.thorough
@pytest.mark.browser
def test_a_conversation_is_shown_exactly_as_written(console: "Page", server: Server, app: App) -> None:
    source = f"{TEXT}\n\n- **bold** [link](https://example.com) ![image](x.png)\n\n[bad](javascript:alert(1))"
    session = factories.make_session(app, [("user", TEXT), ("agent", source)], title="Whitespace")
    result = {"tool_name": "get_price", "tool_arguments": '{"symbol":"ETH"}', "content": '{"usd":3500}'}
    Message.objects.create(session=session, turn=session.turns.get(), position=2, role="tool", **result)
    console.goto(f"{server.url}/admin/sessions_app/chatsession/?q={session.pk}")
    console.click("text=Whitespace")
    assert console.locator("#conversation .is-user .aomi-text").inner_text() == TEXT
    answer = console.locator("#conversation .is-agent .aomi-markdown")
    assert (answer.locator("li strong").inner_text(), answer.locator("b, img").count()) == ("bold", 0)
    assert answer.locator("a").get_attribute("href") == "https://example.com"
    assert "<b>not bold</b>" in answer.inner_text()
    assert "[bad](javascript:alert(1))" in answer.inner_text()
    tool = console.locator(".is-tool details")
    assert not tool.locator(".aomi-json").first.is_visible()
    tool.locator("summary").click()
    assert tool.locator(".aomi-json").all_inner_texts() == ['{\n  "symbol": "ETH"\n}', '{\n  "usd": 3500\n}']
    assert console.locator(".aomi-turn-line").count() == 1


@pytest.mark.thorough
@pytest.mark.browser
def test_a_long_session_can_be_paged_to_every_message(console: "Page", server: Server, app: App) -> None:
    session = factories.make_session(app)
    Message.objects.bulk_create(
        Message(session=session, position=number, role="user", content=f"number {number}") for number in range(250)
    )
    console.goto(server.url + page(session))
    seen = [messages(console)]
    while console.locator("text=← Older").count():
        seen.append(messages(console, after="← Older"))
    assert [len(window) for window in seen] == [100, 100, 50]
    assert [text for window in reversed(seen) for text in window] == [f"number {number}" for number in range(250)]
    assert messages(console, after="Newer →") == seen[1]
    assert messages(console, after="Newest") == seen[0]


@pytest.mark.parametrize("before", ["", "x", "-5", "0", "1e9", "²", "9" * 40, "1 OR 1=1"])
def test_an_invalid_position_does_not_fail(admin_client: Client, app: App, before: str) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    assert admin_client.get(page(session), {"before": before}).status_code == 200


def test_a_huge_message_is_cut_and_says_so(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, [("user", "x" * 50_000)])
    shown = admin_client.get(page(session)).content.decode()
    assert "The first 8000 of 50000 characters." in shown
    assert "x" * 8_001 not in shown
    (link,) = re.findall(r'href="([^"]+/message/0/)"', shown)
    whole = admin_client.get(link)
    assert (whole.content.decode(), whole.headers["Content-Type"]) == ("x" * 50_000, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "how", ["id", "upper id", "beginning", "title", "wallet", "part of wallet", "shortened wallet", "dots"]
)
def test_sessions_are_found(admin_client: Client, app: App, how: str) -> None:
    wallet, title = f"0x{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}", factories.unique("title")
    session = factories.make_session(app, title=f"About {title} and more", wallet_address=wallet)
    factories.make_session(app)
    term = {
        "id": str(session.pk),
        "upper id": str(session.pk).upper(),
        "beginning": str(session.pk)[:13],
        "title": title.upper(),
        "wallet": wallet.upper(),
        "part of wallet": wallet[:20],
        "shortened wallet": f"{wallet[:6]}…{wallet[-4:]}",
        "dots": f"{wallet[:8]}...{wallet[-6:]}",
    }[how]
    answer = admin_client.get("/admin/sessions_app/chatsession/", {"q": term})
    assert list(answer.context["cl"].result_list) == [session]


def test_sessions_are_filtered_by_app_and_status(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, status="interrupted")
    factories.make_session(app)
    answer = admin_client.get(f"/admin/sessions_app/chatsession/?app__id__exact={app.pk}&status__exact=interrupted")
    assert list(answer.context["cl"].result_list) == [session]


def test_messages_cannot_be_edited(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    turn = session.turns.get()
    for path in (page(session), page(turn), "/admin/sessions_app/chatsession/add/", "/admin/sessions_app/turn/add/"):
        assert admin_client.post(path, {"title": "Changed", "model": "changed"}).status_code == 403
    assert admin_client.post(page(turn, "delete"), {"post": "yes"}).status_code == 403
    assert "_save" not in admin_client.get(page(session)).content.decode()


def test_a_deleted_session_leaves_no_rows(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, [("user", "Hi"), ("agent", "Hello")])
    SystemEvent.objects.create(session=session, kind="SystemNotice", payload='"x"')
    warning = admin_client.get(page(session, "delete")).content.decode()
    for count in ("Sessions: 1", "Messages: 2", "Turns: 1", "System events: 1"):
        assert count in warning
    assert admin_client.post(page(session, "delete"), {"post": "yes"}).status_code == 302
    assert not ChatSession.objects.filter(pk=session.pk).exists()
    assert not Message.objects.filter(session_id=session.pk).exists()


def test_several_sessions_are_deleted_from_the_list(admin_client: Client, app: App) -> None:
    sessions = [factories.make_session(app, [("user", "Hi")]) for _ in range(3)]
    fields = {"action": "delete_selected", "_selected_action": [str(s.pk) for s in sessions], "post": "yes"}
    assert admin_client.post("/admin/sessions_app/chatsession/", fields).status_code == 302
    assert not ChatSession.objects.filter(app=app).exists()


def test_a_turn_links_to_its_key_even_if_the_key_is_gone(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    turn, key = session.turns.get(), factories.make_key(app).app_key
    assert "needs no key" in admin_client.get(page(turn)).content.decode()
    Turn.objects.filter(pk=turn.pk).update(app_key_id=key.pk)
    assert f"/admin/keys/appkey/{key.pk}/change/" in admin_client.get(page(turn)).content.decode()
    Turn.objects.filter(pk=turn.pk).update(app_key_id=999_999_999)
    assert "(deleted)" in admin_client.get(page(turn)).content.decode()


def test_a_session_without_an_app_has_a_page(admin_client: Client) -> None:
    session = factories.make_session(None, title="")
    assert "its first chat message sets it" in admin_client.get(page(session)).content.decode()


@pytest.mark.thorough
@pytest.mark.browser
@pytest.mark.parametrize("title", ["W" * 200, "long words " * 18, "abc\u202e" + "fdp.exe " * 20])
def test_a_long_title_does_not_break_the_list(console: "Page", server: Server, app: App, title: str) -> None:
    factories.make_session(app, [("user", "Hi")], title=title[:200], wallet_address="0x" + "ab" * 20)
    factories.make_session(app, title="short", is_archived=True)
    console.set_viewport_size({"width": 1440, "height": 900})
    console.goto(f"{server.url}/admin/sessions_app/chatsession/?app__id__exact={app.pk}")
    widths = "[document.documentElement.scrollWidth, document.querySelector('#result_list').getBoundingClientRect()]"
    page_width, table = console.evaluate(widths)
    assert page_width <= 1440
    results = console.evaluate("document.querySelector('.results').getBoundingClientRect()")
    assert table["right"] <= results["right"] + 1
    for cell in console.locator("#result_list .field-last_active, #result_list .field-state").all():
        box = cell.bounding_box()
        assert box is not None
        assert 0 < box["width"] < 400
        assert box["x"] + box["width"] <= 1440
    titles = console.locator(".field-name a > bdi").all()
    (isolated,) = (element for element in titles if element.inner_text() != "short")
    assert isolated.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"


def test_a_session_without_a_wallet_says_so_instead_of_showing_a_dash(admin_client: Client, app: App) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    page = admin_client.get("/admin/sessions_app/chatsession/", {"app__id__exact": app.pk}).content.decode()
    wallet = re.search(r'class="field-short_wallet"[^>]*>(.*?)</td>', page)
    assert wallet is not None
    assert re.sub(r"<[^>]+>", "", wallet[1]) == "none"
    turn = session.turns.get()
    for url in ("chatsession/", f"chatsession/{session.pk}/change/", "turn/", f"turn/{turn.pk}/change/"):
        shown = admin_client.get(f"/admin/sessions_app/{url}").content.decode()
        assert re.findall(r">\s*[-–—]\s*</(?!option)", shown) == [], url
