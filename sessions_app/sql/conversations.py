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

# The summary may repeat what is deleted, and a failed turn cannot run again without its messages.
DELETE_MESSAGE = """
WITH owned AS (
    UPDATE sessions_app_chatsession SET
        version = version + 1,
        summary = CASE WHEN %(number)s < summarised_count THEN '' ELSE summary END,
        summarised_count = CASE WHEN %(number)s < summarised_count THEN 0 ELSE summarised_count END
    WHERE id = %(session)s AND version = %(version)s AND running_turn IS NULL AND status <> 'processing'
    RETURNING id
), turn AS (
    UPDATE sessions_app_turn SET idempotency_key = NULL FROM owned
    WHERE sessions_app_turn.id = %(turn)s AND sessions_app_turn.status = 'failed'
)
DELETE FROM sessions_app_message message USING owned
WHERE message.id = %(message)s AND message.session_id = owned.id
RETURNING message.id
"""

READ_METADATA = "SELECT metadata FROM sessions_app_chatsession WHERE id = %(session)s"

SET_METADATA = """
UPDATE sessions_app_chatsession SET metadata = %(metadata)s::jsonb WHERE id = %(session)s RETURNING id
"""

READ_SESSIONS_OF_MESSAGES = "SELECT DISTINCT session_id FROM sessions_app_message WHERE id = ANY(%(messages)s)"
