"""Requests to the user's wallet: the model proposes, the client's wallet signs or refuses, the turn goes on."""

import json
from typing import Any

import pytest

from apps_registry.models import App, Tool
from chat.turns.pausing.wallet_requests import question_id
from keys.limits.values import key_subject
from keys.models import AppKey, LimitSet
from keys.services import revoke_key
from sessions_app.models import ChatSession, Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.waiting import wait_until
from tests.wallets import TestWallet

TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # of EIP-55
HASH = "0x" + "ab" * 32
SEND = {"to": TO.lower(), "value": "1500000000000000000", "data": "0x", "description": "Pays 1.5 ETH."}
TYPED: dict[str, Any] = {
    "types": {"Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}]},
    "primaryType": "Person",
    "domain": {"name": "Example", "chainId": 1, "verifyingContract": TO},
    "message": {"name": "Ada", "wallet": TO},
}


@pytest.fixture
def app(app: App) -> App:
    """An App whose model may ask wallets, claimed ones too."""
    App.objects.filter(pk=app.pk).update(claimed_wallets_may_sign=True)
    Tool.objects.create(app=app, name="wallet_tx_request")
    Tool.objects.create(app=app, name="wallet_eip712_request")
    return app


@pytest.fixture
def wallet() -> TestWallet:
    return TestWallet()


def connected(wallet: TestWallet, **more: Any) -> str:
    return json.dumps({"address": wallet.address, "chain_id": 8453, **more})


def tell(client: Client, kind: str, **payload: Any) -> Any:
    return tell_from({}, client, kind, **payload)


def tell_from(headers: dict[str, str], client: Client, kind: str, **payload: Any) -> Any:
    body = {"message": json.dumps({"type": kind, "payload": payload})}
    return client.request("POST", "/api/system", json=body, headers=headers)


def inline(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    return [event["InlineCall"] for event in snapshot["system_events"] if "InlineCall" in event]


@pytest.mark.parametrize(
    ("report", "read"),
    [
        (
            {"status": "success", "txHash": HASH},
            {"status": "success", "tx_hash": HASH, "reported_by": "the user's wallet"},
        ),
        (
            {"status": "failed", "txHash": None, "error": "User rejected"},
            {"status": "failed", "error": "User rejected"},
        ),
    ],
)
def test_a_transaction(
    app_client: Client, model: ScriptedModel, wallet: TestWallet, report: dict[str, Any], read: dict[str, Any]
) -> None:
    model.will(calls(("wallet_tx_request", SEND), text="Please sign."), says("Done."))
    paused = app_client.chat("Pay Ada", user_state=connected(wallet, pending_txs={"9": "mine"}, theme="dark"))
    assert inline(paused) == [
        {
            "type": "wallet_tx_request",
            "payload": {
                "tx_ids": [1],
                "to": TO,
                "value": "1500000000000000000",
                "data": "0x",
                "chain_id": 8453,
                "description": "Pays 1.5 ETH.",
            },
        }
    ]
    expected = {
        "to": TO,
        "value": "1500000000000000000",
        "data": "0x",
        "chain_id": 8453,
        "from": wallet.address,
        "label": f"1.5 of the chain's currency to {TO}",
        "kind": "transfer",
    }
    state = {"address": wallet.address, "chain_id": 8453, "theme": "dark"}
    assert paused["user_state"] == {**state, "pending_txs": {"1": expected}}
    assert app_client.state()["user_state"] == paused["user_state"]
    assert tell(app_client, "wallet:tx_complete", pending_tx_ids=[1], **report).status_code == 200
    done = app_client.poll()
    assert (texts(done)[-1], done["user_state"]) == (("agent", "Done."), state)
    assert json.loads(tool_results(model.prompts[1])[0]) == read
    # The same answer again, and an answer to a request that was never made, change nothing.
    assert tell(app_client, "wallet:tx_complete", pending_tx_ids=[7], **report).status_code == 200
    assert "AsyncCallback" in app_client.state()["system_events"][-1]


def test_typed_data(app_client: Client, model: ScriptedModel, wallet: TestWallet) -> None:
    model.will(
        calls(("wallet_eip712_request", {"typed_data": TYPED, "description": "Names you."})), says("You signed.")
    )
    paused = app_client.chat("Sign", user_state=connected(wallet))
    (request,) = inline(paused)
    typed = request["payload"]["typed_data"]
    assert (request["type"], request["payload"]["pending_eip712_id"]) == ("wallet_eip712_request", 1)
    assert [field["name"] for field in typed["types"]["EIP712Domain"]] == ["name", "chainId", "verifyingContract"]
    assert paused["user_state"]["pending_eip712s"] == {"1": {"typed_data": typed, "description": "Names you."}}
    signature = "0x" + "cd" * 65
    assert tell(
        app_client, "wallet_eip712_response", status="success", signature=signature, pending_eip712_id=1
    ).is_success
    assert texts(app_client.poll())[-1] == ("agent", "You signed.")
    assert json.loads(tool_results(model.prompts[1])[0])["signature"] == signature


def test_each_request_of_a_session_has_its_own_number(
    app_client: Client, model: ScriptedModel, wallet: TestWallet
) -> None:
    bad = {**SEND, "to": TO.replace("5aA", "5aa")}
    call = {**SEND, "data": "0xA9059CBB00", "value": "0"}
    model.will(calls(("wallet_tx_request", SEND), ("wallet_tx_request", bad), ("wallet_tx_request", call)))
    first = app_client.chat("Pay", user_state=connected(wallet))
    assert [request["payload"]["tx_ids"] for request in inline(first)] == [[1], [3]]
    pending = first["user_state"]["pending_txs"]["3"]
    assert (pending["data"], pending["kind"]) == ("0xa9059cbb00", "contract_call")
    assert pending["label"] == f"0 of the chain's currency to {TO}, with 5 bytes of calldata beginning 0xa9059cbb"
    # Another message ends the requests; what the wallet did with them is unknown.
    model.will(calls(("wallet_tx_request", SEND)), says("Both done."))
    second = app_client.chat("Once more")
    results = tool_results(model.prompts[1])
    assert "mistyped" in results[1]
    assert all("what it did is unknown" in results[index] for index in (0, 2))
    assert list(second["user_state"]["pending_txs"]) == ["4"]
    # A late answer does not count for another request, but the model learns of it.
    tell(app_client, "wallet:tx_complete", status="success", txHash=HASH, pending_tx_ids=[1])
    assert list(app_client.state()["user_state"]["pending_txs"]) == ["4"]
    tell(app_client, "wallet:tx_complete", status="success", txHash=HASH, pending_tx_ids=[4])
    assert texts(app_client.poll())[-1] == ("agent", "Both done.")


def test_an_interrupt_ends_a_request(app_client: Client, model: ScriptedModel, wallet: TestWallet) -> None:
    model.will(calls(("wallet_tx_request", SEND)))
    app_client.chat("Pay", user_state=connected(wallet))
    interrupted = app_client.request("POST", "/api/interrupt").json()
    assert (interrupted["status"], "pending_txs" in interrupted["user_state"]) == ("interrupted", False)
    assert Turn.objects.get(session=app_client.uuid).status == "interrupted"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"to": TO.replace("5aA", "5aa")}, "checksum"),
        ({"to": "vitalik.eth"}, "40 hexadecimal digits"),
        ({"value": "1.5"}, "wei"),
        ({"value": str(2**256)}, "wei"),
        ({"data": "0xabc"}, "pairs of hexadecimal digits"),
        ({"chain_id": 0}, "chain_id"),
        ({"description": "\u200b"}, "description is empty"),
        ({"gas": "1"}, "There is no argument"),
    ],
)
def test_a_malformed_transaction_never_reaches_the_wallet(
    app_client: Client, model: ScriptedModel, wallet: TestWallet, change: dict[str, Any], problem: str
) -> None:
    model.will(calls(("wallet_tx_request", {**SEND, **change})), says("No."))
    snapshot = app_client.chat("Pay", user_state=connected(wallet))
    assert inline(snapshot) == []
    assert problem in tool_results(model.prompts[1])[0]


def test_a_wallet_must_be_proven_unless_the_app_says_otherwise(
    app_client: Client, app: App, model: ScriptedModel, wallet: TestWallet
) -> None:
    App.objects.filter(pk=app.pk).update(claimed_wallets_may_sign=False)
    model.will(calls(("wallet_tx_request", SEND)), says("Connect."))
    assert inline(app_client.chat("Pay")) == []
    assert "connected no wallet" in tool_results(model.prompts[1])[0]
    model.will(calls(("wallet_tx_request", SEND)), says("Prove it."))
    assert inline(app_client.chat("Pay", user_state=connected(wallet))) == []
    assert "has not proven" in tool_results(model.prompts[3])[-1]
    named = {"address": wallet.address, "chain_id": 8453}
    challenge = app_client.request("POST", "/api/wallet/challenge", json=named).json()
    signed = {"message": challenge["message"], "signature": wallet.sign(challenge["message"])}
    assert app_client.request("POST", "/api/wallet/verify", json=signed).is_success
    model.will(calls(("wallet_tx_request", SEND)))
    assert len(inline(app_client.chat("Pay"))) == 1


@pytest.mark.parametrize(
    "payload",
    [
        {"pending_tx_ids": [], "status": "success", "txHash": HASH},
        {"pending_tx_ids": ["1"], "status": "success", "txHash": HASH},
        {"pending_tx_ids": [1], "status": "done", "txHash": HASH},
        {"pending_tx_ids": [1], "status": "success", "txHash": "soon"},
    ],
)
def test_a_malformed_answer_of_a_wallet_is_refused(app_client: Client, payload: dict[str, Any]) -> None:
    refused = tell(app_client, "wallet:tx_complete", **payload)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


def test_a_new_app_does_not_ask_wallets(app_client: Client, other_app: App) -> None:
    assert not Tool.objects.filter(app__in=[other_app, App.objects.get(is_default=True)], name__startswith="wallet")
    # Without the tools, a client's report is a callback, as before.
    client = Client(str(app_client.http.base_url))
    result = tell(client, "wallet:tx_complete", status="success", txHash=HASH, pending_tx_ids=[1])
    assert result.is_success
    assert ChatSession.objects.filter(pk=client.session_id).exists()
    client.http.close()


COMPLETE = {"status": "success", "txHash": HASH, "pending_tx_ids": [1]}


def test_a_wallets_answer_needs_no_key_where_sessions_are_readable_by_id(
    app_client: Client, app: App, other_app: App, model: ScriptedModel, wallet: TestWallet
) -> None:
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True)
    key = AppKey.objects.latest("created_at")
    call = ("wallet_tx_request", SEND)
    model.will(calls(call), calls(call), says("Both done."))
    app_client.chat("Pay", user_state=connected(wallet))
    with Client(str(app_client.http.base_url), session_id=app_client.session_id) as browser:
        browser.key = factories.make_key(other_app).plain  # a caller that sends a key must send a valid one
        assert tell(browser, "wallet:tx_complete", **COMPLETE).status_code == 403
        browser.key = None
        # It is not a chat: other calls that could make the App act need the key.
        known = question_id(app_client.uuid, "wallet_tx_request", 1)
        assert tell(browser, "client_tool", call_id=known, result="x").status_code == 401
        assert Turn.objects.get(session=app_client.uuid).status == "paused"
        assert tell(browser, "wallet:tx_complete", **COMPLETE).status_code == 200
        # The turn counts for the key that began it, also for that key's limits.
        wait_until(lambda: Turn.objects.get(session=app_client.uuid).status == "paused")
        assert Turn.objects.get(session=app_client.uuid).app_key_id == key.pk
        LimitSet.objects.create(subject=key_subject(key.pk), tokens_per_day=1)
        second = {**COMPLETE, "pending_tx_ids": [2]}
        assert tell(browser, "wallet:tx_complete", **second).status_code == 429
        LimitSet.objects.filter(subject=key_subject(key.pk)).delete()
        AppKey.objects.filter(pk=key.pk).update(allowed_origins="https://shop.example", allowed_networks="192.0.2.0/24")
        assert tell(browser, "wallet:tx_complete", **second).json()["code"] == "origin_not_allowed"
        from_shop = {"Origin": "https://shop.example"}
        assert tell_from(from_shop, browser, "wallet:tx_complete", **second).status_code == 200
        # The same answer again, or a late one, does not resume a turn twice; the model learns of the late one.
        wait_until(lambda: Turn.objects.get(session=app_client.uuid).status == "completed")
        assert tell_from(from_shop, browser, "wallet:tx_complete", **second).status_code == 200
        state = browser.state()
    assert [text for text in texts(state) if text[0] == "agent"][-1] == ("agent", "Both done.")
    assert len(model.prompts) == 3
    assert state["system_events"][-1] == {"AsyncCallback": {"type": "wallet:tx_complete", "payload": second}}


def test_a_key_that_no_longer_opens_the_app_pays_for_no_answer(
    app_client: Client, app: App, model: ScriptedModel, wallet: TestWallet
) -> None:
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True)
    model.will(calls(("wallet_tx_request", SEND)))
    app_client.chat("Pay", user_state=connected(wallet))
    revoke_key(AppKey.objects.latest("created_at"))
    with Client(str(app_client.http.base_url), session_id=app_client.session_id) as browser:
        assert tell(browser, "wallet:tx_complete", **COMPLETE).status_code == 401
    assert Turn.objects.get(session=app_client.uuid).status == "paused"


def test_another_callers_key_is_needed(app_client: Client, app: App, model: ScriptedModel, wallet: TestWallet) -> None:
    model.will(calls(("wallet_tx_request", SEND)))
    app_client.chat("Pay", user_state=connected(wallet))
    with Client(str(app_client.http.base_url), session_id=app_client.session_id) as stranger:
        answer = {"status": "success", "txHash": HASH, "pending_tx_ids": [1]}
        assert tell(stranger, "wallet:tx_complete", **answer).status_code == 401
        stranger.key = factories.make_key(app).plain
        assert tell(stranger, "wallet:tx_complete", **answer).status_code == 200
    app_client.poll()
