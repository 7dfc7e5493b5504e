"""Statements of sessions that callers fill and describe themselves."""

from sessions_app.sql.messages import INSERT_MESSAGES

# Messages that belong to no turn. They must not come between those of a turn that runs or waits.
ADD_MESSAGES = f"""
WITH owned AS (
    UPDATE sessions_app_chatsession SET
        version = version + 1, next_position = next_position + %(message_count)s,
        last_active_at = clock_timestamp()
    WHERE id = %(session)s AND running_turn IS NULL AND status <> 'processing'
    RETURNING id, next_position - %(message_count)s AS position, version
), messages AS (
    {INSERT_MESSAGES}
)
SELECT version FROM owned
"""

READ_METADATA = "SELECT metadata FROM sessions_app_chatsession WHERE id = %(session)s"

SET_METADATA = """
UPDATE sessions_app_chatsession SET metadata = %(metadata)s::jsonb WHERE id = %(session)s RETURNING id
"""

READ_SESSIONS_OF_MESSAGES = "SELECT DISTINCT session_id FROM sessions_app_message WHERE id = ANY(%(messages)s)"
