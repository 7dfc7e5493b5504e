"""Session ids that are derived from what clients send: stable for a caller, and different for every other one."""

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.test import override_settings

from chat.doors.derived_sessions import derived_session_id
from keys.callers import Caller
from keys.tokens.bounds import TokenBounds

TOKEN = TokenBounds(1, "AbCd1234", 3, None, None, None, 2_000_000_000)
ANYONE = Caller(None, frozenset(), 1, address="192.0.2.1")
HOLDER = Caller(7, frozenset({3}), 1, address="192.0.2.1")
BEARER = Caller(7, frozenset(), 1, address="192.0.2.1", token=TOKEN)


def made(caller: Caller, *, app_id: int = 3, name: str = "order-17", purpose: str = "of a call") -> UUID:
    return derived_session_id(app_id, caller, name, purpose=purpose)


def test_the_same_caller_finds_its_session_again() -> None:
    for caller in (ANYONE, HOLDER, BEARER):
        assert made(caller) == made(replace(caller, revision=2))
    assert made(HOLDER) == made(replace(HOLDER, address="192.0.2.2"))  # a backend may run on many machines


def test_different_callers_apps_names_or_purposes_never_share_a_session() -> None:
    ids = [
        *(made(ANYONE), made(replace(ANYONE, address="192.0.2.2"))),
        *(made(HOLDER), made(replace(HOLDER, key_id=8))),
        *(made(BEARER), made(replace(BEARER, address="192.0.2.2"))),
        made(replace(BEARER, token=replace(TOKEN, expires_at=2_000_000_001))),
        *(made(HOLDER, app_id=4), made(HOLDER, name="order-18"), made(HOLDER, purpose="of a tool call")),
    ]
    assert len(set(ids)) == len(ids)


def test_an_id_does_not_follow_from_public_values() -> None:
    before = made(ANYONE)
    with override_settings(SECRET_KEY="x" + settings.SECRET_KEY):
        assert made(ANYONE) != before
