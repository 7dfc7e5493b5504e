"""Proof of a wallet: challenge and signature, and what is not a proof."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now

from apps_registry.models import App
from sessions_app.models import ChatSession, WalletChallenge
from sessions_app.wallets.siwe import SECP256K1_ORDER, parse_message
from tests import factories
from tests.client import Client
from tests.patience import scaled
from tests.product import Server
from tests.wallets import TestWallet


@pytest.fixture
def wallet() -> TestWallet:
    return TestWallet()


def ask(client: Client, wallet: TestWallet, **more: Any) -> dict[str, Any]:
    """Get a challenge."""
    body = {"address": wallet.address, "chain_id": 8453, **more}
    answer = client.request("POST", "/api/wallet/challenge", json=body)
    assert answer.status_code == 200, answer.text
    challenge: dict[str, Any] = answer.json()
    return challenge


def verify(client: Client, message: str, signature: str) -> httpx2.Response:
    return client.request("POST", "/api/wallet/verify", json={"message": message, "signature": signature})


def refused(answer: httpx2.Response, reason: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert re.search(reason, answer.json()["detail"])


def binding(client: Client) -> tuple[str | None, int | None, bool]:
    session = ChatSession.objects.get(pk=client.uuid)
    return session.wallet_address, session.wallet_chain_id, session.wallet_is_proven


def test_the_holder_of_the_key_proves_it(client: Client, wallet: TestWallet) -> None:
    challenge = ask(client, wallet)  # the session does not exist yet
    fields, host = parse_message(challenge["message"]), client.http.base_url.netloc.decode()
    assert (fields.domain, fields.uri, fields.chain_id) == (host, f"http://{host}", 8453)
    assert (fields.address, fields.nonce) == (wallet.address, challenge["nonce"])
    assert len(fields.nonce) == 32
    assert fields.expiration_time == parse_datetime(challenge["expires_at"])
    assert fields.expiration_time is not None
    assert fields.expiration_time - fields.issued_at == timedelta(minutes=5)
    assert binding(client) == (None, None, False)
    answer = verify(client, challenge["message"], wallet.sign(challenge["message"]))
    assert (answer.status_code, answer.json()) == (
        200,
        {"address": wallet.address, "chain_id": 8453, "is_proven": True},
    )
    assert binding(client) == (wallet.address.lower(), 8453, True)


def test_parameters_may_come_in_the_query_string(client: Client, wallet: TestWallet) -> None:
    query = {"address": wallet.address.lower(), "chain_id": "1"}
    message = client.request("POST", "/api/wallet/challenge", params=query).json()["message"]
    answer = client.request(
        "POST", "/api/wallet/verify", params={"message": message, "signature": wallet.sign(message)}
    )
    assert answer.json() == {"address": wallet.address, "chain_id": 1, "is_proven": True}


def test_of_fifty_replays_one_succeeds(client: Client, wallet: TestWallet) -> None:
    challenge = ask(client, wallet)
    message, signature = challenge["message"], wallet.sign(challenge["message"])
    with ThreadPoolExecutor(50) as pool:
        with transaction.atomic():  # until it ends, replays find the nonce unused and wait to use it
            WalletChallenge.objects.select_for_update().get(pk=challenge["nonce"])
            sent = [pool.submit(verify, client, message, signature) for _ in range(50)]
            time.sleep(scaled(0.7))
        answers = [replay.result() for replay in sent]
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    refused(verify(client, message, signature), "nonce has been used")


def test_another_wallet_is_not_proven_and_the_same_stays_so(client: Client, wallet: TestWallet) -> None:
    message = ask(client, wallet)["message"]
    assert verify(client, message, wallet.sign(message)).status_code == 200
    client.chat("Hi", user_state=json.dumps({"address": wallet.address.lower(), "chain_id": 1}))
    client.chat("And on")
    client.request("POST", "/api/sessions", json={"public_key": wallet.address})
    client.request("GET", "/api/state", params={"user_state": '{"is_connected": false}'})
    assert binding(client)[::2] == (wallet.address.lower(), True)
    other = TestWallet().address
    client.chat("Mine now", user_state=json.dumps({"address": other}))
    assert binding(client) == (other.lower(), None, False)
    client.request("POST", "/api/sessions", json={"public_key": wallet.address})
    assert binding(client) == (wallet.address.lower(), None, False)


def test_binding_outside_a_turn_resets_the_proof_too(client: Client, wallet: TestWallet) -> None:
    message = ask(client, wallet)["message"]
    assert verify(client, message, wallet.sign(message)).status_code == 200
    other = TestWallet().address
    client.request("POST", "/api/sessions", json={"public_key": other})
    assert binding(client) == (other.lower(), None, False)


def later(message: str, field: str, seconds: int) -> str:
    """The message with one of its times moved."""

    def moved(match: re.Match[str]) -> str:
        moment = parse_datetime(match[2])
        assert moment is not None
        return f"{match[1]}{(moment + timedelta(seconds=seconds)).isoformat()}"

    return re.sub(rf"({field}: )(\S+)", moved, message)


FORGERIES: dict[str, tuple[Callable[[str], str], str]] = {
    "nonce": (lambda text: re.sub(r"Nonce: \w+", "Nonce: " + "a" * 32, text), "nonce does not belong to this session"),
    "domain": (lambda text: re.sub(r"^\S+ wants", "evil.example wants", text), "domain is not"),
    "domain, other port": (lambda text: re.sub(r"^\S+ wants", "127.0.0.1:1 wants", text), "domain is not"),
    "URI": (lambda text: re.sub(r"URI: \S+", "URI: https://evil.example", text), "URI is not"),
    "chain": (lambda text: text.replace("Chain ID: 8453", "Chain ID: 1"), "chain id is not"),
    "version": (lambda text: text.replace("Version: 1", "Version: 2"), "version is not 1"),
    "issued in the future": (lambda text: later(text, "Issued At", 120), "in the future"),
    "issued long ago": (lambda text: later(text, "Issued At", -3600), "too long ago"),
    "expired": (lambda text: later(text, "Expiration Time", -3600), "message has expired"),
    "without expiry": (lambda text: text[: text.index("\nExpiration")], "no Expiration Time"),
    "not yet valid": (lambda text: text + "\nNot Before: 2999-01-01T00:00:00Z", "Not Before"),
    "first year": (lambda text: re.sub(r"Issued At: \S+", "Issued At: 0001-01-01T00:00:00+23:59", text), "long ago"),
    "not EIP-4361": (lambda text: "Hello", "EIP-4361"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_signed_message_that_is_not_the_challenge_proves_nothing(
    client: Client, wallet: TestWallet, forgery: str
) -> None:
    forge, reason = FORGERIES[forgery]
    message = ask(client, wallet)["message"]
    forged = forge(message)
    refused(verify(client, forged, wallet.sign(forged)), reason)
    assert binding(client)[2] is False
    assert verify(client, message, wallet.sign(message)).status_code == 200  # the challenge is still unused


OTHER_TEXTS = {
    "another statement": lambda text: text.replace("This costs nothing", "This costs all you have"),
    "an earlier expiry": lambda text: later(text, "Expiration Time", -60),
    "another issue time": lambda text: later(text, "Issued At", 1),
    "the same time in other words": lambda text: re.sub(r"(Issued At: \S+)Z", r"\1+00:00", text),
    "a request id": lambda text: f"{text}\nRequest ID: 1",
    "resources": lambda text: f"{text}\nResources:\n- https://evil.example/all",
}


@pytest.mark.parametrize("change", OTHER_TEXTS.values(), ids=OTHER_TEXTS)
def test_only_the_exact_text_that_was_issued_proves_anything(
    client: Client, wallet: TestWallet, change: Callable[[str], str]
) -> None:
    message = ask(client, wallet)["message"]
    other = change(message)
    assert other != message
    refused(verify(client, other, wallet.sign(other)), "not the text that was issued")
    assert verify(client, message, wallet.sign(message)).status_code == 200


def test_another_wallets_key_proves_nothing(client: Client, wallet: TestWallet) -> None:
    message = ask(client, wallet)["message"]
    other = TestWallet()
    refused(verify(client, message, other.sign(message)), r"address did not make this signature.*EIP-1271")
    theirs = message.replace(wallet.address, other.address)
    refused(verify(client, theirs, other.sign(theirs)), "address is not that of the challenge")


def test_a_malleated_signature_proves_nothing(client: Client, wallet: TestWallet) -> None:
    message = ask(client, wallet)["message"]
    good = wallet.sign(message)
    twin = f"{good[:66]}{SECP256K1_ORDER - int(good[66:130], 16):064x}{55 - int(good[130:], 16):02x}"
    refused(verify(client, message, twin), "out of range")


def test_a_contract_wallets_signature_is_reported_as_unsupported(client: Client, wallet: TestWallet) -> None:
    refused(verify(client, ask(client, wallet)["message"], "0x" + "ab" * 300), r"EIP-1271\) are not supported")


def test_another_sessions_challenge_proves_nothing(server: Server, client: Client, wallet: TestWallet) -> None:
    message = ask(client, wallet)["message"]
    with Client(server.url) as other:
        assert verify(other, message, wallet.sign(message)).status_code == 404
        ask(other, wallet)
        refused(verify(other, message, wallet.sign(message)), "does not belong to this session")


def test_an_expired_challenge_proves_nothing_and_is_deleted(client: Client, wallet: TestWallet) -> None:
    challenge = ask(client, wallet)
    row = WalletChallenge.objects.filter(pk=challenge["nonce"])
    row.update(expires_at=now())
    refused(verify(client, challenge["message"], wallet.sign(challenge["message"])), "nonce has expired")
    row.update(expires_at=now() - timedelta(minutes=6))
    ask(client, wallet)
    assert not row.exists()


BAD_CHAINS: list[Any] = [0, -1, 2**53, "1e3", "", True, [], 1.5]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "address"),
        ({"address": "0x" + "a" * 40}, "chain_id is missing"),
        ({"chain_id": 1}, "address is missing"),
        ({"address": 5, "chain_id": 1}, "address is not text"),
        ({"address": "vitalik.eth", "chain_id": 1}, "40 hexadecimal digits"),
        ({"address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "chain_id": 1}, "EIP-55"),
        *(({"address": "0x" + "a" * 40, "chain_id": bad}, "chain_id") for bad in BAD_CHAINS),
        ({"address": "0x" + "a" * 40, "chain_id": "9" * 5000}, "chain_id"),
        ({"address": "0x" + "a" * 40, "chain_id": 1, "domain": "evil.example"}, "domain"),
        ({"address": "0x" + "a" * 40, "chain_id": 1, "domain": "evil\nexample"}, "domain"),
        *(
            ({"address": "0x" + "a" * 40, "chain_id": 1, "uri": uri}, "uri")
            for uri in ("https://evil.example", "x", "http://[", "http://\u0661", "https://a b", 7, "a" * 3000, "\0")
        ),
    ],
)
def test_a_malformed_challenge_is_refused(client: Client, body: dict[str, Any], reason: str) -> None:
    refused(client.request("POST", "/api/wallet/challenge", json=body), reason)
    assert not ChatSession.objects.filter(pk=client.uuid).exists()


GARBAGE = [None, "", 0, 1.5, True, [], {}, ["x"], {"a": 1}, "\0", "\n", "0x", "\u202e", "x" * 100_000, "0x" + "f" * 130]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused(client: Client, wallet: TestWallet, garbage: Any) -> None:
    message = ask(client, wallet)["message"]
    bodies = [
        {"message": garbage, "signature": wallet.sign(message)},
        {"message": message, "signature": garbage},
        {"message": garbage, "signature": garbage},
    ]
    for body in bodies:
        refused(client.request("POST", "/api/wallet/verify", json=body), ".")
    for content in (b"", b"{", b"[]", b"\xff\xfe", json.dumps(garbage).encode()):
        headers = {"Content-Type": "application/json"}
        refused(client.request("POST", "/api/wallet/verify", content=content, headers=headers), ".")


def test_the_page_may_be_a_website_of_the_deployment(start: Callable[..., Server], wallet: TestWallet) -> None:
    server = start(CORS_ALLOWED_ORIGINS="https://app.example.com")
    with Client(server.url) as client:
        page = "https://app.example.com/login?x=1"
        message = ask(client, wallet, domain="app.example.com", uri=page)["message"]
        assert message.startswith("app.example.com wants you to sign in")
        assert f"\nURI: {page}\n" in message
        assert verify(client, message, wallet.sign(message)).status_code == 200


def test_a_closed_session_is_neither_challenged_nor_proven(server: Server, app: App, wallet: TestWallet) -> None:
    session = factories.make_session(app)
    with Client(server.url, session_id=str(session.id)) as client:
        body = {"address": wallet.address, "chain_id": 1}
        assert client.request("POST", "/api/wallet/challenge", json=body).status_code == 401
        assert verify(client, "x", "y").status_code == 401
        client.key = factories.make_key(app).plain
        message = ask(client, wallet)["message"]
        assert verify(client, message, wallet.sign(message)).status_code == 200


def test_a_session_with_a_challenge_can_be_deleted(client: Client, wallet: TestWallet) -> None:
    message = ask(client, wallet)["message"]
    assert client.request("DELETE", f"/api/sessions/{client.session_id}").status_code == 200
    assert verify(client, message, wallet.sign(message)).status_code == 404
