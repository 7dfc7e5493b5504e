"""The text of browser tokens: tokens are made, read and refused; and when a token is valid."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.tokens.bounds import TokenBounds, TokenConditions
from keys.tokens.text import MAX_CHARS, derive_key, make_token, read_token, signer_of

KEY = derive_key("the secret of a deployment", "a salt")
BOUNDS = TokenBounds(
    signer_id=7,
    lookup_id="AbCd1234",
    app_id=3,
    session_id=uuid.UUID("550e8400-e29b-41d4-a716-446655440000"),
    wallet="0x" + "ab" * 20,
    origin="https://" + "a" * 280 + ".example",
    expires_at=2_000_000_000,
)
OPEN = TokenBounds(7, "AbCd1234", 3, None, None, None, 2_000_000_000)


@pytest.mark.parametrize("bounds", [BOUNDS, OPEN])
def test_a_token_reads_back(bounds: TokenBounds) -> None:
    text = make_token(bounds, KEY)
    assert text.startswith("bt-7.")
    assert len(text) <= MAX_CHARS
    assert (signer_of(text), read_token(text, KEY)) == (7, bounds)


@given(st.integers(min_value=0), st.characters(max_codepoint=300))
def test_one_other_character_is_noticed(position: int, character: str) -> None:
    token = make_token(BOUNDS, KEY)
    at = position % len(token)
    changed = token[:at] + character + token[at + 1 :]
    assert (read_token(changed, KEY) is None) == (changed != token)


@given(st.text(max_size=200))
def test_garbage_is_never_a_token(text: str) -> None:
    assert signer_of(text) is None
    assert signer_of(f"bt-{text}") is None


def without_signature(token: str) -> str:
    return token.rpartition(".")[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.upper(),
        lambda token: token.replace("bt-7", "bt-07"),
        lambda token: token.replace("bt-7", "bt-8"),
        lambda token: token.replace("bt-7", "bt-\u0667"),  # a digit, but not an ASCII one
        without_signature,
        lambda token: without_signature(token) + ".",
        lambda token: without_signature(token) + "." + "A" * 43,
        lambda token: token + "." + "A" * 43,
        lambda token: "sk-" + token[3:],
        lambda token: "bt-7." + "A" * 2000 + "." + "A" * 43,
        # A known weakness of libraries for other formats: an algorithm that the caller chooses.
        lambda token: base64.urlsafe_b64encode(b'{"alg":"none"}').decode() + "." + token.split(".")[1] + ".",
    ],
)
def test_another_spelling_is_not_a_token(change: "object") -> None:
    assert callable(change)
    text = change(make_token(BOUNDS, KEY))
    assert signer_of(text) is None or read_token(text, KEY) is None


def test_each_signing_key_and_each_deployment_is_another() -> None:
    token = make_token(BOUNDS, KEY)
    for other in (derive_key("the secret of a deployment", "b salt"), derive_key("another", "a salt"), b""):
        assert read_token(token, other) is None


@pytest.mark.parametrize(
    ("conditions", "scope", "rule"),
    [
        (TokenConditions(1_999_999_999.9, [7], 1), [3], ""),
        (TokenConditions(1_999_999_999.9, [7], 3), [], ""),
        (TokenConditions(2_000_000_000, [7], 1), [3], "token_expired"),
        (TokenConditions(1_999_999_999, [8], 1), [3], "token_signing_key_gone"),
        (TokenConditions(1_999_999_999, [7], 1), [4], "token_app_out_of_scope"),
        (TokenConditions(1_999_999_999, [7], None), [], "token_app_out_of_scope"),
    ],
)
def test_when_a_token_of_a_usable_key_works(conditions: TokenConditions, scope: list[int], rule: str) -> None:
    assert conditions.broken_rule(BOUNDS, scope) == rule
