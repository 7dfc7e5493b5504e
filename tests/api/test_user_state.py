"""`user_state` and the wallet in it."""

import json

import pytest

from sessions_app.models import ChatSession
from tests.client import Client
from tests.model_server import ScriptedModel, calls, says

ADDRESS = "0x742d35Cc6634C0532925a3b844Bc9e7595f2bD68"
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # the first example of EIP-55
FLAT = {"address": ADDRESS, "chain_id": 1, "is_connected": True, "ext": {"pending": [1.0, None]}}
NESTED = {"connection": {"is_connected": True}, "evm": {"address": ADDRESS, "chain_id": 8453}}


@pytest.mark.parametrize(("state", "chain_id"), [(FLAT, 1), (NESTED, 8453)])
def test_the_state_is_returned_as_sent_and_binds_the_wallet(
    client: Client, state: dict[str, object], chain_id: int
) -> None:
    snapshot = client.chat("Hi", user_state=json.dumps(state))
    assert snapshot["user_state"] == state
    assert client.state()["user_state"] == state
    session = ChatSession.objects.get(pk=client.session_id)
    assert (session.wallet_address, session.wallet_chain_id) == (ADDRESS.lower(), chain_id)


def test_an_omitted_state_stays_and_a_sent_one_replaces_it(client: Client) -> None:
    client.chat("Hi", user_state=json.dumps(FLAT))
    assert client.chat("Again")["user_state"] == FLAT
    disconnected = {"is_connected": False}
    answer = client.request("GET", "/api/state", params={"user_state": json.dumps(disconnected)})
    assert answer.json()["user_state"] == disconnected
    # A state without an address leaves the binding.
    assert ChatSession.objects.get(pk=client.session_id).wallet_address == ADDRESS.lower()


@pytest.mark.parametrize("written", [CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper()])
def test_public_key_binds_the_wallet_too(client: Client, written: str) -> None:
    assert client.request("POST", "/api/sessions", json={"public_key": written}).status_code == 200
    assert ChatSession.objects.get(pk=client.session_id).wallet_address == CHECKSUMMED.lower()


def test_a_mistyped_public_key_is_refused(client: Client) -> None:
    mistyped = CHECKSUMMED[:-1] + CHECKSUMMED[-1].swapcase()
    for method, path in (("POST", "/api/sessions"), ("GET", "/api/sessions"), ("POST", "/api/chat?message=Hi")):
        answer = client.request(method, path, params={"public_key": mistyped, "message": "Hi"})
        assert answer.status_code == 400
        assert "EIP-55" in answer.json()["detail"]
    assert not ChatSession.objects.filter(pk=client.session_id).exists()


def test_a_json_body_may_contain_the_object_itself(client: Client) -> None:
    answer = client.request("POST", "/api/chat", json={"message": "Hi", "user_state": FLAT})
    assert answer.json()["user_state"] == FLAT


def test_tools_see_the_wallet(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("get_wallet", {})), says("There it is."))
    snapshot = app_client.chat("Which wallet?", user_state=json.dumps(FLAT))
    name, result = snapshot["messages"][1]["tool_result"]
    assert name == "get_wallet"
    assert ADDRESS.lower() in result


BAD_STATES = {
    "not JSON": "{",
    "not an object": "[1]",
    "empty": " ",
    "NaN": '{"a": NaN}',
    "half a surrogate pair": '{"a": "\\ud800"}',
    "too deep": '{"a":' * 3000 + "1" + "}" * 3000,
    "too many entries": json.dumps({str(n): 1 for n in range(1001)}),
    "too long": json.dumps({"a": "x" * 70_000}),
    "short address": '{"address": "0x12"}',
    "ENS name": '{"address": "vitalik.eth"}',
    "address of another type": '{"address": 5}',
    "chain id 0": f'{{"address": "{ADDRESS}", "chain_id": 0}}',
    "negative chain id": f'{{"address": "{ADDRESS}", "chain_id": -1}}',
    "chain id beyond 2^53": f'{{"address": "{ADDRESS}", "chain_id": 9007199254740993}}',
    "chain id as text": f'{{"address": "{ADDRESS}", "chain_id": "1"}}',
    "chain id true": f'{{"address": "{ADDRESS}", "chain_id": true}}',
}


@pytest.mark.parametrize("state", BAD_STATES.values(), ids=BAD_STATES)
def test_a_bad_state_is_refused_and_nothing_is_stored(client: Client, state: str) -> None:
    answer = client.request("POST", "/api/chat", json={"message": "Hi", "user_state": state})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert not ChatSession.objects.filter(pk=client.session_id).exists()
