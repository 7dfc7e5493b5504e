"""The statement that reads messages, and the parts of statements that store them."""

from collections.abc import Mapping

from sessions_app.sql.rows import MESSAGE_COLUMNS, READ_MESSAGE_COLUMNS, TYPED_MESSAGE_COLUMNS, listed

READ_MESSAGES = f"""
SELECT {listed(READ_MESSAGE_COLUMNS)} FROM sessions_app_message WHERE session_id = %(session)s ORDER BY position
"""

_JSON_COLUMNS = tuple(column for column in MESSAGE_COLUMNS if column != "turn_id")

# Stores a turn's messages; `owned` is its session. The messages are one JSON text: an array parameter per column would
# cost the client several times as much CPU.
INSERT_MESSAGES = f"""INSERT INTO sessions_app_message (session_id, turn_id, position, {listed(_JSON_COLUMNS)})
    SELECT owned.id, %(turn)s, owned.position + m.number - 1, {listed(_JSON_COLUMNS, of="m")}
    FROM owned, ROWS FROM (json_to_recordset(%(messages)s::json) AS ({TYPED_MESSAGE_COLUMNS}))
        WITH ORDINALITY AS m({listed(MESSAGE_COLUMNS)}, number)"""

_NO_TOOL = {"tool_round": "0", "tool_name": "''", "tool_call_id": "''", "tool_arguments": "''"}


def insert_message(columns: Mapping[str, str], *, source: str) -> str:
    """Return a statement that stores a message from SQL expressions.

    Args:
        columns: expressions by column; the tool columns may be left out.
        source: the FROM clause, with its condition.
    """
    expressions = {**_NO_TOOL, **columns}
    names, values = listed(expressions), listed(expressions.values())
    return f"INSERT INTO sessions_app_message ({names}) SELECT {values} FROM {source}"
