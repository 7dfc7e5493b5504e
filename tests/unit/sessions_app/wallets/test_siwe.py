"""Sign-In with Ethereum: parsing, checks of times, and real signatures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sessions_app.wallets.siwe import SECP256K1_ORDER, InvalidProof, SignIn, check_times, parse_message, signer
from tests.wallets import TestWallet

# The example in EIP-4361.
SAMPLE = """example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
AGE = timedelta(minutes=5)
OURS = SignIn(
    "example.com:8000",
    "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "https://example.com:8000/login",
    8453,
    "0123456789abcdef",
    NOW,
    NOW + AGE,
)


def test_the_example_of_the_standard_is_read() -> None:
    assert parse_message(SAMPLE) == SignIn(
        domain="example.com",
        address="0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
        uri="https://example.com/login",
        chain_id=1,
        nonce="32891756",
        issued_at=datetime(2021, 9, 30, 16, 25, 24, tzinfo=UTC),
        expiration_time=None,
    )


def test_every_optional_part_may_be_there_or_not() -> None:
    bare = SAMPLE.replace("I accept the ExampleOrg Terms of Service: https://example.com/tos\n", "").split("\nRes")[0]
    assert parse_message(bare) == parse_message("https://" + SAMPLE) == parse_message(SAMPLE)
    full = f"{bare}\nExpiration Time: 2021-09-30T16:30:24.123Z\nNot Before: 2021-09-30T18:25:24+02:00\nRequest ID: 7"
    fields = parse_message(full)
    assert fields.expiration_time == datetime(2021, 9, 30, 16, 30, 24, 123000, tzinfo=UTC)
    assert fields.not_before == datetime(2021, 9, 30, 16, 25, 24, tzinfo=UTC)


def test_our_own_messages_can_be_read() -> None:
    assert parse_message(OURS.text("Please sign.")) == OURS


BROKEN = {
    "empty": "",
    "prose": "Hello",
    "CRLF": SAMPLE.replace("\n", "\r\n"),
    "a line more": SAMPLE + "\nmore",
    "a break at the end": SAMPLE + "\n",
    "version 2": SAMPLE.replace("Version: 1", "Version: 2"),
    "no version": SAMPLE.replace("Version: 1\n", ""),
    "no nonce": SAMPLE.replace("Nonce: 32891756\n", ""),
    "short nonce": SAMPLE.replace("32891756", "3289175"),
    "no chain": SAMPLE.replace("Chain ID: 1\n", ""),
    "negative chain": SAMPLE.replace("Chain ID: 1", "Chain ID: -1"),
    "chain in other digits": SAMPLE.replace("Chain ID: 1", "Chain ID: ١"),
    "wrong case of the address": SAMPLE.replace("0xC02a", "0xc02a"),
    "month 13": SAMPLE.replace("2021-09", "2021-13"),
    "hour 25": SAMPLE.replace("T16", "T25"),
    "zone of 99 hours": SAMPLE.replace(":24Z", ":24+99:00"),
    "no zone": SAMPLE.replace(":24Z", ":24"),
    "fields swapped": SAMPLE.replace("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"),
    "two nonces": SAMPLE.replace("Nonce: 32891756", "Nonce: 32891756\nNonce: 32891757"),
    "a field in the statement's place": SAMPLE.replace("I accept", "x\nURI: https://evil.example\nI accept"),
    "NUL": SAMPLE.replace("I accept", "I\0accept"),
    "very long": SAMPLE + "\n- a" * 10_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_message_is_refused(text: str) -> None:
    with pytest.raises(InvalidProof):
        parse_message(text)


@given(st.text(), st.integers(0, len(SAMPLE)), st.integers(0, len(SAMPLE)))
def test_any_text_is_at_worst_refused(text: str, start: int, end: int) -> None:
    for candidate in (text, SAMPLE[:start] + text + SAMPLE[end:]):
        try:
            parse_message(candidate)
        except InvalidProof:
            continue


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [({}, 0), ({}, -60), ({}, 359), ({"not_before": NOW}, -60), ({"expiration_time": NOW + timedelta(seconds=5)}, 64)],
)
def test_times_within_the_leeway_are_accepted(changes: dict[str, Any], seconds: int) -> None:
    check_times(replace(OURS, **changes), now=NOW + timedelta(seconds=seconds), max_age=AGE)


YEAR_1, YEAR_9999 = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "seconds", "reason"),
    [
        ({}, -61, "future"),
        ({}, 361, "too long ago"),
        ({"expiration_time": None}, 0, "no Expiration"),
        ({"expiration_time": NOW}, 60, "expired"),
        ({"expiration_time": YEAR_1}, 0, "expired"),
        ({"not_before": NOW + timedelta(seconds=61)}, 0, "Not Before"),
        ({"not_before": YEAR_9999}, 0, "Not Before"),
        ({"issued_at": YEAR_1}, 0, "too long ago"),
        ({"issued_at": YEAR_9999}, 0, "future"),
    ],
)
def test_times_beyond_the_leeway_are_refused(changes: dict[str, Any], seconds: int, reason: str) -> None:
    with pytest.raises(InvalidProof, match=reason):
        check_times(replace(OURS, **changes), now=NOW + timedelta(seconds=seconds), max_age=AGE)


def test_a_signature_of_the_ecosystem_is_verified() -> None:
    """The worked example of web3.js's documentation (`web3.eth.accounts.sign`)."""
    signature = (
        "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
        "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c"
    )
    assert signer("Some data", signature) == "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


@given(st.binary(min_size=32, max_size=32), st.text(max_size=300))
def test_the_signer_is_recovered(secret: bytes, text: str) -> None:
    if not 0 < int.from_bytes(secret) < SECP256K1_ORDER or any("\ud800" <= char <= "\udfff" for char in text):
        return
    wallet = TestWallet(PrivateKey(secret))
    signature = wallet.sign(text)
    assert signer(text, signature) == signer(text, wallet.sign(text, first_v=0)) == wallet.address


def test_another_text_has_another_signer() -> None:
    wallet = TestWallet()
    assert signer("Some dat4", wallet.sign("Some data")) != wallet.address


def bad_signatures() -> dict[str, str]:
    good = TestWallet().sign("text")
    r, s, v = good[2:66], int(good[66:130], 16), int(good[130:], 16)
    twin = f"0x{r}{SECP256K1_ORDER - s:064x}{55 - v:02x}"  # the same signature in another form, which anybody can make
    return {
        "malleated": twin,
        "empty": "0x",
        "without 0x": good[2:],
        "a byte short": good[:-2],
        "a byte long": good + "00",
        "compact (EIP-2098)": good[:130],
        "not hexadecimal": "0x" + "g" * 130,
        "other digits": "0x" + "\N{FULLWIDTH DIGIT ONE}" * 130,
        "zeros": "0x" + "0" * 130,
        "all ones": "0x" + "f" * 130,
        "r of 0": f"0x{0:064x}{good[66:]}",
        "r beyond the order": f"0x{SECP256K1_ORDER:064x}{good[66:]}",
        "s of 0": f"0x{r}{0:064x}{good[130:]}",
        "r no point": f"0x{5:064x}{good[66:]}",
        "v of 29": good[:130] + "1d",
        "v of 2": good[:130] + "02",
        "v of EIP-155": good[:130] + "25",
        "contract wallet's": "0x" + "ab" * 300,
    }


@pytest.mark.parametrize("signature", bad_signatures().values(), ids=bad_signatures())
def test_a_bad_signature_is_refused(signature: str) -> None:
    with pytest.raises(InvalidProof):
        signer("text", signature)
