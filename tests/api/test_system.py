"""System notices, callbacks and events; archiving; listing by wallet."""

import json
import uuid

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel
from tests.product import Server
from tests.sse import Updates

WALLET = "0x" + "ab" * 20
CALLBACK = {"type": "wallet:tx_complete", "payload": {"hash": "0x1", "status": "ok"}}


def tell(client: Client, message: str) -> dict[str, object]:
    answer = client.request("POST", "/api/system", params={"message": message})
    assert answer.status_code == 200, answer.text
    result: dict[str, object] = answer.json()["res"]
    return result


def test_a_notice_is_an_event_and_a_message(client: Client) -> None:
    result = tell(client, "The wallet was disconnected")  # the session does not exist yet
    assert result["content"] == "Response of system endpoint: The wallet was disconnected"
    assert (result["sender"], result["is_streaming"], result["tool_result"]) == ("system", False, None)
    snapshot = client.state()
    assert snapshot["system_events"] == [{"SystemNotice": "The wallet was disconnected"}]
    assert snapshot["messages"] == [result]
    assert client.state()["system_events"] == []


def test_a_callback_reaches_the_model_with_the_next_turn(app_client: Client, model: ScriptedModel) -> None:
    app_client.chat("Send it")
    tell(app_client, json.dumps(CALLBACK))
    assert app_client.state()["system_events"] == [{"AsyncCallback": CALLBACK}]
    app_client.chat("Did it work?")
    last = model.prompts[1][-1]["content"]  # one message: strict templates refuse two messages of the user in a row
    assert last.endswith("\n\nDid it work?")
    assert "wallet:tx_complete" in last


@pytest.mark.parametrize("text", ["42", "null", '"text"', "{broken", "naïve 日本"])
def test_what_is_not_an_object_is_a_notice(client: Client, text: str) -> None:
    tell(client, text)
    assert client.state()["system_events"] == [{"SystemNotice": text}]


def test_events_are_kept_in_order_and_counted(client: Client) -> None:
    assert client.request("GET", "/api/events").status_code == 404
    for number in range(5):
        tell(client, f"notice {number}")
    client.state()  # delivered, but kept
    every = client.request("GET", "/api/events").json()
    assert every == [{"SystemNotice": f"notice {number}"} for number in range(5)]
    assert client.request("GET", "/api/events", params={"count": "2"}).json() == every[-2:]
    for bad in ("0", "-1", "x", "1e3", "\u0661"):
        assert client.request("GET", "/api/events", params={"count": bad}).status_code == 400


def test_a_notice_reaches_open_streams(client: Client) -> None:
    with Updates(client) as reader:
        tell(client, "look")
        assert reader.wait_for(lambda event: event["type"] == "system_notice")["message"] == "look"


def test_a_notice_during_a_turn_is_kept_and_so_is_the_turn(app_client: Client, app: App, model: ScriptedModel) -> None:
    from tests.model_server import says

    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    model.will(says("slow", " reply", pause=0.3))
    app_client.chat("Hi")
    tell(app_client, "meanwhile")
    snapshot = app_client.poll()
    assert sorted(texts(snapshot)) == [
        ("agent", "slow reply"), ("system", "Response of system endpoint: meanwhile"), ("user", "Hi")
    ]  # fmt: skip


def test_a_session_is_archived_and_unarchived(client: Client) -> None:
    client.chat("Hi")
    path = f"/api/sessions/{client.session_id}"
    for action, expected in (("archive", True), ("archive", True), ("unarchive", False)):
        answer = client.request("POST", f"{path}/{action}")
        assert (answer.status_code, answer.json()["is_archived"]) == (200, expected)
        assert client.request("GET", path).json()["is_archived"] is expected


def bound(app: App | None, address: str = WALLET) -> str:
    return str(factories.make_session(app, wallet_address=address, title=factories.unique("t")).id)


def listed(client: Client, address: str, **params: str) -> list[str]:
    answer = client.request("GET", "/api/sessions", params={"public_key": address, **params})
    assert answer.status_code == 200, answer.text
    return [session["session_id"] for session in answer.json()]


def test_an_address_alone_lists_nothing(server: Server, client: Client, app: App) -> None:
    address = "0x" + uuid.uuid4().hex[:40].ljust(40, "0")
    default_app = App.objects.get(is_default=True)
    mine, others = bound(app, address), [bound(app, address), bound(default_app, address), bound(None, address)]
    client.session_id = None  # type: ignore[assignment]
    assert listed(client, address) == []
    with Client(server.url, session_id=others[1]) as holder:  # callers with an id see only that session
        assert listed(holder, address.upper().replace("0X", "0x")) == [others[1]]
        assert listed(holder, WALLET) == []
    with Client(server.url, key=factories.make_key(app).plain) as keyed:
        assert set(listed(keyed, address)) == {mine, others[0]}
    with Client(server.url, key=factories.make_key(factories.make_app()).plain) as stranger:
        assert listed(stranger, address) == []
    with Client(server.url, session_id=mine) as without_key:  # its own session needs the key
        answer = without_key.request("GET", "/api/sessions", params={"public_key": address})
        assert answer.status_code == 401


def test_a_long_list_comes_in_pages(server: Server, app: App) -> None:
    address = "0x" + uuid.uuid4().hex[:40].ljust(40, "0")
    made = [bound(app, address) for _ in range(7)]
    with Client(server.url, key=factories.make_key(app).plain) as client:
        seen, cursor = [], ""
        while True:
            query = {"public_key": address, "limit": "3", **({"cursor": cursor} if cursor else {})}
            answer = client.request("GET", "/api/sessions", params=query)
            seen += [session["session_id"] for session in answer.json()]
            cursor = answer.headers.get("X-Next-Cursor", "")
            if not cursor:
                break
        assert seen == made[::-1]
        for bad in ({"cursor": "x"}, {"cursor": "eHg="}, {"limit": "0"}, {"public_key": "0x12"}, {"public_key": ""}):
            query = {"public_key": address, **bad}
            assert client.request("GET", "/api/sessions", params=query).status_code == 400


def test_the_list_has_the_contracts_shape(client: Client) -> None:
    client.chat("Hi there", public_key=WALLET)
    answer = client.request("GET", "/api/sessions", params={"public_key": WALLET})
    assert answer.json() == [{"session_id": client.session_id, "title": "Hi there", "is_archived": False}]
    assert ChatSession.objects.get(pk=client.uuid).wallet_address == WALLET


def test_a_proven_wallet_lists_what_is_proven_in_the_same_app(server: Server, app: App, other_app: App) -> None:
    address = "0x" + uuid.uuid4().hex[:40].ljust(40, "0")

    def proven(of: App) -> str:
        return str(factories.make_session(of, wallet_address=address, wallet_is_proven=True).id)

    default_app = App.objects.get(is_default=True)
    mine, another = proven(default_app), proven(default_app)
    (
        proven(app),
        proven(other_app),
        bound(default_app, address),
    )  # another App's session, and one in which the wallet is only claimed
    with Client(server.url, session_id=mine) as client:
        assert set(listed(client, address)) == {mine, another}
    with Client(server.url, session_id=bound(default_app, address)) as claimant:
        assert listed(claimant, address) == [claimant.session_id]
