"""Statements of the requests that began or continued turns, for doors whose clients ask for a response by its id."""

ADD_RECORD = """
UPDATE sessions_app_turn SET responses = COALESCE(responses, '[]') || %(record)s::jsonb
WHERE id = %(turn)s AND NOT COALESCE(responses, '[]') @> %(same)s::jsonb
"""

SET_IN_RECORD = """
UPDATE sessions_app_turn SET responses = (
    SELECT jsonb_agg(
        CASE WHEN (record ->> 'round_number')::int = %(round)s
            THEN record || %(values)s::jsonb ELSE record END ORDER BY number)
    FROM jsonb_array_elements(responses) WITH ORDINALITY AS records(record, number))
WHERE id = %(turn)s AND responses IS NOT NULL
"""

# The remaining columns say where the parts of a turn begin.
REMOVE_RECORD = """
UPDATE sessions_app_turn SET responses = (
    SELECT jsonb_agg(
        CASE WHEN (record ->> 'round_number')::int = %(round)s
            THEN (record - '{items,questions,pieces}'::text[]) || '{"request": {}, "is_removed": true}'
            ELSE record END ORDER BY number)
    FROM jsonb_array_elements(responses) WITH ORDINALITY AS records(record, number))
WHERE id = %(turn)s
"""

READ_RECORDS = """
SELECT session_id, status, error_code, error_detail, finish_reason, prompt_tokens, completion_tokens, open_calls,
    responses, extract(epoch FROM finished_at)::bigint
FROM sessions_app_turn WHERE id = %(turn)s
"""

READ_RECORDS_OF_SESSION = """
SELECT id, responses FROM sessions_app_turn
WHERE session_id = %(session)s AND responses IS NOT NULL ORDER BY started_at
"""

# Whether a session that was made for responses has nothing else left: each turn has records, and all are removed.
READ_IS_LEFT_OVER = """
SELECT bool_and(turn.responses IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(turn.responses) AS records(record)
        WHERE NOT COALESCE((record ->> 'is_removed')::boolean, false)))
    AND bool_or(turn.responses @> '[{"makes_session": true}]')
FROM sessions_app_turn turn WHERE session_id = %(session)s
"""

READ_IS_REPEATED = """
SELECT EXISTS (
    SELECT 1 FROM sessions_app_turn WHERE session_id = %(session)s AND idempotency_key = %(idempotency_key)s)
"""
