"""The parts of statements that store messages, and the statement that reads them."""

from collections.abc import Mapping

from sessions_app.sql.rows import MESSAGE_COLUMNS, READ_MESSAGE_COLUMNS, TYPED_MESSAGE_COLUMNS, listed

READ_MESSAGES = f"""
SELECT {listed(READ_MESSAGE_COLUMNS)} FROM sessions_app_message WHERE session_id = %(session)s ORDER BY position
"""

_OF_JSON = tuple(column for column in MESSAGE_COLUMNS if column != "turn_id")

# What a turn has said, where `owned` is its session. As one JSON text: a parameter for each column's array costs the
# client several times as much.
INSERT_MESSAGES = f"""INSERT INTO sessions_app_message (session_id, turn_id, position, {listed(_OF_JSON)})
    SELECT owned.id, %(turn)s, owned.position + m.number - 1, {listed(_OF_JSON, of="m")}
    FROM owned, ROWS FROM (json_to_recordset(%(messages)s::json) AS ({TYPED_MESSAGE_COLUMNS}))
        WITH ORDINALITY AS m({listed(MESSAGE_COLUMNS)}, number)"""

_NO_TOOL = {"tool_round": "0", "tool_name": "''", "tool_call_id": "''", "tool_arguments": "''"}


def insert_message(columns: Mapping[str, str], *, source: str) -> str:
    """Return the statement that stores a message whose parts are SQL expressions.

    Args:
        columns: expressions by column; a message that names no tool is of none.
        source: where they come from, with its condition.
    """
    given = {**_NO_TOOL, **columns}
    return f"INSERT INTO sessions_app_message ({listed(given)}) SELECT {listed(given.values())} FROM {source}"
