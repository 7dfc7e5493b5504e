"""The rows of sessions and messages: their columns in statements, and the values read from them.

The columns are made of the fields of sessions_app/values.py, in the fields' order: a new field is in every statement at
once, and nothing counts columns.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from sessions_app.values import SESSION_OVERHEAD_BYTES, Session, StoredMessage, Wallet

WALLET_COLUMNS = tuple(f"wallet_{field.name}" for field in fields(Wallet))
_COLUMNS_OF_FIELDS = {"wallet": WALLET_COLUMNS, "messages": (), "size": ()}
SESSION_COLUMNS = tuple(
    column for field in fields(Session) for column in _COLUMNS_OF_FIELDS.get(field.name, (field.name,))
)
MESSAGE_COLUMNS = tuple(field.name for field in fields(StoredMessage))
# What models thought is for operators, who read it with the ORM.
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
    """Return columns as a statement lists them.

    Args:
        columns: their names.
        of: the alias of their table; empty: they need none.
    """
    return ", ".join(f"{of}.{column}" if of else column for column in columns)


def session_from_row(row: TupleRow) -> Session:
    """Return the session, still without its messages, of a row of SESSION_COLUMNS."""
    values = dict(zip(SESSION_COLUMNS, row, strict=True))
    address, chain_id, is_proven = map(values.pop, WALLET_COLUMNS)
    wallet = Wallet(address, chain_id, is_proven) if address else None
    return Session(**values, wallet=wallet, size=SESSION_OVERHEAD_BYTES + sys.getsizeof(values["summary"]))


def message_from_row(row: TupleRow) -> StoredMessage:
    """Return the message of a row of READ_MESSAGE_COLUMNS, which are its first fields in their order."""
    return StoredMessage(*row)  # by name it takes twice as long, and a session has hundreds
