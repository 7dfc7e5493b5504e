"""Rows of sessions and messages: their columns in statements, and the values read from them.

The columns are generated from the fields of sessions_app/values.py, in the same order, so that a new field is in every
statement at once and no code counts columns.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from sessions_app.values import SESSION_OVERHEAD_BYTES, Reservation, Session, StoredMessage, TurnUsage, Wallet

WALLET_COLUMNS = tuple(f"wallet_{field.name}" for field in fields(Wallet))
_COLUMNS_OF_FIELDS = {"wallet": WALLET_COLUMNS, "messages": (), "size": ()}
SESSION_COLUMNS = tuple(
    column for field in fields(Session) for column in _COLUMNS_OF_FIELDS.get(field.name, (field.name,))
)
USAGE_COLUMNS = tuple(field.name for field in fields(TurnUsage))
# Sets what a turn has used and reserved, from parameters of the same names.
SET_USAGE = ", ".join(
    f"{column} = %({column})s::{'numeric' if 'cost' in column else 'bigint'}"
    for column in (*USAGE_COLUMNS, "reserved_tokens", "reserved_cost")
)
MESSAGE_COLUMNS = tuple(field.name for field in fields(StoredMessage))
# Reasoning is for operators, who read it in the admin, with the ORM.
READ_MESSAGE_COLUMNS = tuple(name for name in MESSAGE_COLUMNS if name != "reasoning")

_SQL_TYPES: dict[Any, str] = {
    UUID: "uuid",
    UUID | None: "uuid",
    str: "text",
    datetime: "timestamptz",
    int: "int",
    Mapping[str, Any] | None: "jsonb",
}
TYPED_MESSAGE_COLUMNS = ", ".join(f"{field.name} {_SQL_TYPES[field.type]}" for field in fields(StoredMessage))


def listed(columns: Iterable[str], *, of: str = "") -> str:
    """Return a comma-separated list of columns.

    Args:
        columns: their names.
        of: the alias of their table; empty if they need none.
    """
    return ", ".join(f"{of}.{column}" if of else column for column in columns)


def session_from_row(row: TupleRow) -> Session:
    """Return the session, without its messages, from a row of SESSION_COLUMNS."""
    values = dict(zip(SESSION_COLUMNS, row, strict=True))
    address, chain_id, is_proven = map(values.pop, WALLET_COLUMNS)
    wallet = Wallet(address, chain_id, is_proven) if address else None
    return Session(**values, wallet=wallet, size=SESSION_OVERHEAD_BYTES + sys.getsizeof(values["summary"]))


def usage_from_row(row: Iterable[Any]) -> TurnUsage:
    """Return the usage from values of USAGE_COLUMNS."""
    return TurnUsage(**dict(zip(USAGE_COLUMNS, row, strict=True)))


def usage_parameters(used: TurnUsage, reservation: Reservation) -> dict[str, object]:
    """Return the parameters of SET_USAGE."""
    return {**{name: getattr(used, name) for name in USAGE_COLUMNS}, **reservation_parameters(reservation)}


def reservation_parameters(reservation: Reservation) -> dict[str, object]:
    """Return the columns of a reservation as statement parameters."""
    return {"reserved_tokens": reservation.tokens, "reserved_cost": reservation.cost}


def message_from_row(row: TupleRow) -> StoredMessage:
    """Return the message from a row of READ_MESSAGE_COLUMNS, which are the first fields of StoredMessage in order."""
    return StoredMessage(*row)  # keyword arguments take twice as long, and a session may have hundreds of messages
