"""Conversations in the console: found by their text, followed live, exported, archived and deleted."""

import json
import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx2
import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser

from apps_registry.models import App
from sessions_app.models import ChatSession, Message, Turn
from tests import factories
from tests.client import Client
from tests.model_server import ScriptedModel, calls, says
from tests.product import NO_TLS, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

LIST = "/admin/sessions_app/chatsession/"
# A message, and searches that find it.
SAID = {
    "Latin": ("The refund of my order is late", "REFUND late"),
    "a beginning": ("Cryptocurrencies are volatile", "cryptocurr"),
    "accents": ("Où est mon remboursement déjà payé", "déjà"),
    "Cyrillic": ("Когда придёт моя доставка", "доставк"),
    "Greek": ("Πού είναι η παραγγελία μου", "παραγγελία"),
    "Arabic": ("أين طلبي رقم سبعة", "طلبي"),
    "Hebrew": ("איפה ההזמנה שלי", "ההזמנה"),
    "Hindi": ("मेरा आदेश कहाँ है", "आदेश"),
    "Chinese": ("我的订单在哪里,请退款给我", "退款"),
    "Japanese": ("注文の返金をお願いします", "返金をお"),
    "Korean": ("제 주문은 어디에 있나요", "주문"),
    "Thai": ("ฉันต้องการขอเงินคืนวันนี้", "เงินคืน"),
    "a phrase": ("it goes up and then down", '"up and then"'),
    "a number": ("Invoice 2026-0042 is open", "2026-0042"),
}


def search(client: Browser, text: str, **filters: str | int) -> list[ChatSession]:
    answer = client.get(LIST, {"q": text, **filters})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


@pytest.fixture
def talk(app: App) -> Callable[..., ChatSession]:
    """Makes a session with these messages."""
    return lambda text, **more: factories.make_session(app, [("user", text)], title="Untold", **more)


@pytest.mark.parametrize("script", SAID)
def test_a_conversation_is_found_by_what_was_said(
    admin_client: Browser, app: App, talk: Callable[..., ChatSession], script: str
) -> None:
    text, searched = SAID[script]
    session = talk(text)
    talk("something else")
    (only,) = search(admin_client, searched, app__id__exact=app.pk)
    assert only.pk == session.pk
    (hit,) = only.hits  # type: ignore[attr-defined]
    assert hit.before + hit.match + hit.after == text
    assert hit.match.lower() in searched.lower().replace('"', "")


@pytest.mark.parametrize("script", SAID)
def test_the_words_of_a_search_are_marked_in_the_conversation(
    admin_client: Browser, talk: Callable[..., ChatSession], script: str
) -> None:
    said, searched = SAID[script]
    session = talk(said)
    page = admin_client.get(f"{LIST}{session.pk}/change/", {"q": searched}).content.decode()
    marks = re.findall(r"<mark>(.*?)</mark>", page)
    assert {mark.lower() for mark in marks} <= {*searched.lower().split(), searched.lower().strip('"')}
    assert len(marks) == (2 if script == "Latin" else 1)
    assert "is in 1 message" in page
    assert "<mark>" not in admin_client.get(f"{LIST}{session.pk}/change/").content.decode()


def test_a_found_conversation_opens_at_the_first_hit(
    admin_client: Browser, staff_client: Callable[..., Browser], app: App
) -> None:
    word = factories.unique("quokka").replace("-", "")
    said = [(role, f"no. {turn}") for turn in range(125) for role in ("user", "agent")]
    said[61] = ("agent", f"**The {word.upper()}s** & <script>{word}</script> at https://example.com/{word}")
    said[249] = ("agent", f"again {word}")
    session = factories.make_session(app, said)
    listed = admin_client.get(LIST, {"q": word}).content.decode()
    (link,) = re.findall(rf'href="([^"]*{session.pk}/change/[^"]*)"', listed)
    url = link.replace("&amp;", "&")
    assert url.endswith("#message-61")
    page = admin_client.get(url).content.decode()
    assert 'id="message-61"' in page
    assert 'id="message-249"' not in page
    assert f"<strong>The <mark>{word.upper()}</mark>s</strong> &amp; &lt;script&gt;<mark>{word}</mark>" in page
    assert page.count("<mark>") == 3
    links = re.findall(r'<a href="(\?[^"]*)" aria-label="Message [12] of 2">([12])</a>', page)
    assert len(links) == 2
    second = admin_client.get(f"{LIST}{session.pk}/change/{links[1][0].replace('&amp;', '&')}").content.decode()
    assert f"again <mark>{word}</mark>" in second
    assert f'href="?q={word}&amp;before=' in second  # older messages keep the marks
    unmarked = staff_client("view_chatsession").get(url).content.decode()
    assert "<mark>" not in unmarked
    assert 'id="found"' not in unmarked


def test_words_must_all_be_there_and_phrases_in_their_order(
    admin_client: Browser, app: App, talk: Callable[..., ChatSession]
) -> None:
    talk("up then down and 款退")
    for missing_words in ("up sideways", '"down then"', "退款"):
        assert search(admin_client, missing_words, app__id__exact=app.pk) == []


@pytest.mark.parametrize(
    "text", ["'", '"', ":*", "a & | !", "\\", "%", "(", "<->", "\U0001f389", "x" * 5_000, "a\x00b"]
)
def test_no_search_fails(admin_client: Browser, text: str) -> None:
    assert admin_client.get(LIST, {"q": text}).status_code == 200


def test_searching_messages_needs_its_own_permission(
    staff_client: Callable[..., Browser], app: App, talk: Callable[..., ChatSession]
) -> None:
    word = factories.unique("secret").replace("-", "")
    session = talk(f"it is {word}")
    assert search(staff_client("view_chatsession"), word) == []
    assert [row.pk for row in search(staff_client("view_chatsession", "search_messages"), word)] == [session.pk]


def test_the_list_calls_its_rows_conversations(admin_client: Browser) -> None:
    shown = admin_client.get(LIST, {"q": "no such words at all"}).content.decode()
    assert 'placeholder="Search conversations"' in shown
    assert "No conversations match" in shown


def test_sessions_are_found_by_key_and_by_error(admin_client: Browser, app: App) -> None:
    key, other = factories.make_key(app).app_key, factories.make_key(app).app_key
    failed, fine = (factories.make_session(app, [("user", "Hi")]) for _ in range(2))
    Turn.objects.filter(session=failed).update(app_key_id=key.pk, error_code="model_timeout", status="failed")
    Turn.objects.filter(session=fine).update(app_key_id=other.pk)
    chosen: dict[str, str | int] = {"app__id__exact": app.pk}
    filters: tuple[dict[str, str | int], ...] = (
        {"error": "any"},
        {"error": "model_timeout"},
        {"key": key.pk},
        {"q": key.prefix},
    )
    for finds_failed in filters:
        answer = admin_client.get(LIST, {**chosen, **finds_failed})
        assert [row.pk for row in answer.context["cl"].result_list] == [failed.pk], finds_failed
    assert search(admin_client, "", **chosen, error="worker_lost") == []


def test_the_index_serves_the_search(talk: Callable[..., ChatSession]) -> None:
    """The expression of the statement must be that of the index."""
    from django.db import connection, transaction

    from sessions_app.queries.message_search import WORDS

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT id FROM sessions_app_message WHERE {WORDS} @@ 'word'::tsquery")
        assert "sessions_app_message_words" in "".join(line for (line,) in cursor.fetchall())


# --- Export, archive, deletion: over HTTP, since they use the server's loop ------------------------------------------


def test_a_conversation_is_exported_completely(operator_http: httpx2.Client, app: App) -> None:
    session = factories.make_session(app, [("user", "What ``` is\n# this?"), ("agent", "**Yes** 退款")], title="Two")
    result = json.dumps({"rows": ["x" * 100] * 3_000})
    Message.objects.create(
        session=session, turn=session.turns.get(), position=2, role="tool", tool_name="list_rows", content=result
    )
    exported = operator_http.get(f"{LIST}{session.pk}/export/json/")
    assert exported.headers["Content-Disposition"] == f'attachment; filename="conversation-{session.pk}.json"'
    data = exported.json()
    assert [message["content"] for message in data["messages"]] == ["What ``` is\n# this?", "**Yes** 退款", result]
    assert (data["session"]["app"], len(data["turns"])) == (app.slug, 1)
    text = operator_http.get(f"{LIST}{session.pk}/export/md/").text
    assert text.startswith("# Two\n")
    assert text.count("x" * 100) == 3_000
    assert operator_http.get(f"{LIST}{session.pk}/export/csv/").status_code == 404
    record = LogEntry.objects.filter(object_id=str(session.pk)).values_list("change_message", flat=True)
    assert set(record) == {"Exported as json.", "Exported as md."}


def test_a_conversation_is_archived_and_unarchived(admin_client: Browser, app: App) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    for value, is_archived in (("1", True), ("1", True), ("0", False)):
        assert admin_client.post(f"{LIST}{session.pk}/archive/", {"archived": value}).status_code == 302
        session.refresh_from_db()
        assert session.is_archived is is_archived
    assert session.version == 3  # workers' copies of it are stale after each change


def test_operators_who_may_only_view_conversations_change_nothing(
    staff_client: Callable[..., Browser], app: App
) -> None:
    session = factories.make_session(app, [("user", "Hi")], wallet_address="0x" + uuid.uuid4().hex + "ab" * 4)
    onlooker = staff_client("view_chatsession")
    paths = [f"{LIST}{session.pk}/{view}/" for view in ("archive", "interrupt", "delete")]
    for path in (*paths, f"{LIST}wallet/{session.wallet_address}/"):
        assert onlooker.post(path, {"archived": "1", "post": "yes"}).status_code == 403
    shown = onlooker.get(f"{LIST}{session.pk}/change/").content.decode()
    assert [word for word in ("Archive</button>", "Delete…", "Interrupt the turn") if word in shown] == []
    stranger = staff_client()
    paths = [f"{LIST}{session.pk}/{view}/" for view in ("change", "export/json", "message/0")]
    for path in (*paths, f"{LIST}wallet/{session.wallet_address}/"):
        assert stranger.get(path).status_code == 403


def test_all_data_of_one_wallet_is_deleted_and_no_other(admin_client: Browser, app: App, other_app: App) -> None:
    wallet, other = (f"0x{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}" for _ in range(2))
    for where in (app, app, other_app):
        factories.make_session(where, [("user", "Hi"), ("agent", "Hello")], wallet_address=wallet)
    other_session = factories.make_session(app, [("user", "Hi")], wallet_address=other)
    shown = admin_client.get(f"{LIST}wallet/{wallet}/").content.decode()
    assert "3 conversations, 6 messages, 3 turns" in shown
    assert admin_client.post(f"{LIST}wallet/{wallet}/").status_code == 302
    assert not ChatSession.objects.filter(wallet_address=wallet).exists()
    assert not Message.objects.filter(session__wallet_address=wallet).exists()
    assert ChatSession.objects.filter(pk=other_session.pk).exists()
    record = LogEntry.objects.filter(change_message__contains=f"{wallet[:6]}…{wallet[-4:]}").get()
    assert wallet not in record.change_message
    assert admin_client.get(f"{LIST}wallet/nonsense/").status_code == 404


# --- Live ----------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.browser
def test_an_operator_watches_a_turn_and_interrupts_it(
    console: "Page", server: Server, app_client: Client, model: ScriptedModel
) -> None:
    model.will(calls(("calculate", {"expression": "6*7"})), says("It ", "is ", "**42**", " and", " so", " on", pause=1))
    answer = app_client.request(
        "POST", "/api/chat", params={"message": "6*7?", "app": app_client.app}, headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 200
    console.goto(f"{server.url}{LIST}{app_client.session_id}/change/")
    console.wait_for_selector("#live:not([hidden]) >> text=It is")
    assert console.locator("#conversation .is-tool code").first.inner_text() == "calculate"
    console.click("text=Interrupt the turn")
    console.wait_for_selector("#conversation .is-agent >> text=It is")
    assert console.locator("#conversation-head .aomi-badge").inner_text() == "interrupted"
    assert not console.is_visible("#live")
    assert ChatSession.objects.get(pk=app_client.uuid).status == "interrupted"


@pytest.mark.thorough
@pytest.mark.browser
def test_an_open_page_shows_the_next_turn(
    console: "Page", server: Server, app_client: Client, model: ScriptedModel
) -> None:
    model.will(says("First."), says("Second, in **bold**."))
    app_client.chat("One?")
    console.goto(f"{server.url}{LIST}{app_client.session_id}/change/")
    console.wait_for_selector("#live[data-message]", state="attached")  # the stream is open
    for name, result in (("look_up", '{"error":"the service answered 404"}'), ("count", '{"error":null,"data":1}')):
        event = {"call_id": name, "tool_name": name, "result": result}
        console.evaluate("event => handlers.tool_complete(event)", event)
    lines = console.locator(".aomi-live-tools li")
    assert lines.evaluate_all("all => all.map(each => [each.textContent, each.className])") == [
        ["look_up: failed", "is-bad"],
        ["count: answered", ""],
    ]
    app_client.chat("Two?")
    console.wait_for_selector("#conversation .is-agent strong >> text=bold")
    assert console.locator("#conversation .aomi-turn").count() == 2


def test_the_live_stream_ends_when_the_operator_loses_the_permission(
    server: Server, staff_client: Callable[..., Browser], app: App
) -> None:
    session = factories.make_session(app, [("user", "Hi")])
    url = f"{server.url}/admin/live/{session.pk}/"
    headers = {"Accept": "text/event-stream"}
    for codenames, status in (((), 403), (("view_chatsession",), 200)):
        cookie = staff_client(*codenames).cookies[settings.SESSION_COOKIE_NAME].value
        cookies = {settings.SESSION_COOKIE_NAME: cookie}
        with httpx2.stream("GET", url, headers=headers, cookies=cookies, verify=NO_TLS) as answer:
            assert answer.status_code == status
            if status == 200:
                assert '"type":"state"' in next(line for line in answer.iter_lines() if line.startswith("data:"))
    assert httpx2.get(url, headers=headers, verify=NO_TLS).status_code == 403
    assert httpx2.get(url, headers=headers, cookies={"sessionid": "made-up"}, verify=NO_TLS).status_code == 403
