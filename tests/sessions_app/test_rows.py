"""Rows are read by column names, and one definition says which columns a wallet changes."""

import itertools
import uuid
from typing import Any

import orjson
from django.db import connection

from apps_registry.models import App
from sessions_app.models import ChatSession, Message
from sessions_app.sql import sessions as sql
from sessions_app.sql.messages import READ_MESSAGES
from sessions_app.sql.rows import (
    MESSAGE_COLUMNS,
    READ_MESSAGE_COLUMNS,
    SESSION_COLUMNS,
    message_from_row,
    session_from_row,
)
from sessions_app.values import Wallet
from tests import factories

ADDRESSES = (None, "0x" + "a" * 40, "0x" + "b" * 40)
CHAINS = (None, 1, 137)


def rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def test_a_session_is_read_by_name(app: App) -> None:
    texts: dict[str, Any] = {
        "title": "A title",
        "chosen_model": "m",
        "user_state": "{}",
        "summary": "Words.",
        "status": "idle",
    }
    numbers: dict[str, Any] = {"version": 7, "undelivered_events": 5, "summarised_count": 3, "is_archived": True}
    wallet: dict[str, Any] = {"wallet_address": ADDRESSES[1], "wallet_chain_id": 137, "wallet_is_proven": True}
    made = factories.make_session(app, **texts, **numbers, **wallet, running_turn=uuid.uuid4())
    stored = ChatSession.objects.get(pk=made.pk)
    ((is_expired, *row),) = rows(sql.READ_SESSION, {"session": stored.pk})
    session = session_from_row(tuple(row))
    assert is_expired is False
    assert session.wallet is not None
    assert (session.wallet, session.wallet.is_proven) == (Wallet(str(ADDRESSES[1]), 137), True)
    for name in SESSION_COLUMNS:
        if not name.startswith("wallet_"):
            assert getattr(session, name) == getattr(stored, name), name


def test_messages_are_read_by_name(app: App) -> None:
    session = factories.make_session(app, [("user", "Hi"), ("agent", "Hello")])
    tool = {"tool_round": 2, "tool_name": "add", "tool_call_id": "call-1", "tool_arguments": "{}"}
    Message.objects.filter(session=session, position=1).update(**tool, extra={"a": 1}, reasoning="Thoughts.")
    read = [message_from_row(row) for row in rows(READ_MESSAGES, {"session": session.pk})]
    for message, stored in zip(read, session.messages.all(), strict=True):
        for name in READ_MESSAGE_COLUMNS:
            value = getattr(message, name)
            # Django's connections leave JSON as text.
            assert (orjson.loads(value) if name == "extra" and value else value) == getattr(stored, name), name
    assert set(MESSAGE_COLUMNS) - set(READ_MESSAGE_COLUMNS) == {"reasoning"}
    assert read[1].reasoning == ""


def test_a_named_wallet_changes_the_documented_columns(app: App) -> None:
    """For every wallet that a session can have, and every wallet that a call can name."""
    held_ones = [*itertools.product(ADDRESSES[1:], CHAINS, (True, False)), (None, None, False)]
    columns = ("wallet_address", "wallet_chain_id", "wallet_is_proven")
    for held, address, chain in itertools.product(held_ones, ADDRESSES, CHAINS):
        if address is None and chain is not None:
            continue  # a chain without an address is not a wallet
        before: dict[str, Any] = dict(zip(columns, held, strict=True))
        session = factories.make_session(app, **before)
        unproven = {"wallet_is_proven": False}
        others = {"app": None, "title": None, "user_state": None}
        named = {"session": session.pk, "wallet_address": address, "wallet_chain_id": chain, **unproven, **others}
        rows(sql.UPDATE_SESSION, named)
        session.refresh_from_db()
        assert tuple(getattr(session, name) for name in columns) == expected(held, address, chain)


def expected(held: Any, address: str | None, chain: int | None) -> Any:
    held_address, held_chain, is_proven = held
    if address is None:
        return held
    if address != held_address:
        return address, chain, False
    return address, held_chain if chain is None else chain, is_proven
