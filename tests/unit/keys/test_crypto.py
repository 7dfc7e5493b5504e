"""The key format: keys are made, read and refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import crypto


def test_a_key_reads_back() -> None:
    parts = crypto.make_key("mycoindex")
    assert crypto.parse_key(parts.plain) == parts
    assert re.fullmatch(r"sk-mycoindex-[0-9A-Za-z]{46}", parts.plain)
    assert parts.prefix == f"sk-mycoindex-{parts.lookup_id}"


def test_a_known_checksum() -> None:
    # zlib.crc32(b"123456789") is 0xCBF43926, the check value of CRC-32/ISO-HDLC.
    assert crypto.checksum("123456789") == "3jZRME"


@given(st.text(max_size=200))
def test_garbage_is_never_a_key(text: str) -> None:
    assert crypto.parse_key(text) is None


@given(st.integers(min_value=0), st.sampled_from(crypto.ALPHABET))
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    key = crypto.make_key("app").plain
    at = position % len(key)
    changed = key[:at] + character + key[at + 1 :]
    assert (crypto.parse_key(changed) is None) == (changed != key)


@pytest.mark.parametrize("slug", ["", "Upper", "-x", "ü", "a" * 41, "a b"])
def test_a_slug_that_would_not_read_back_is_refused(slug: str) -> None:
    with pytest.raises(ValueError, match="readable part"):
        crypto.make_key(slug)


def test_verification_needs_the_exact_secret() -> None:
    stored = crypto.hash_secret("right")
    assert crypto.verify_secret(stored, "right")
    assert not crypto.verify_secret(stored, "wrong")
    assert not crypto.verify_secret("not a hash", "right")


def test_fingerprints_differ_by_process_and_by_any_character() -> None:
    one, other = (crypto.fingerprint("sk-a", process_key=key) for key in (b"1" * 32, b"2" * 32))
    assert one != other
    assert crypto.fingerprint("sk-b", process_key=b"1" * 32) != one


def test_keys_do_not_show_in_tracebacks() -> None:
    parts = crypto.make_key("app")
    assert parts.secret not in repr(parts)
