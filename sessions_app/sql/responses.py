"""Statements of the requests that began or continued turns, for doors whose clients ask for a response by its id."""

ADD_RECORD = """
UPDATE sessions_app_turn SET responses = COALESCE(responses, '[]') || %(record)s::jsonb
WHERE id = %(turn)s AND NOT COALESCE(responses, '[]') @> %(same)s::jsonb
"""

SET_QUESTIONS = """
UPDATE sessions_app_turn SET responses = (
    SELECT jsonb_agg(
        CASE WHEN (record ->> 'round_number')::int = %(round)s
            THEN record || jsonb_build_object('questions', %(questions)s::jsonb) ELSE record END ORDER BY number)
    FROM jsonb_array_elements(responses) WITH ORDINALITY AS records(record, number))
WHERE id = %(turn)s AND responses IS NOT NULL
"""

# What is left says where the parts of a turn begin.
REMOVE_RECORD = """
UPDATE sessions_app_turn SET responses = (
    SELECT jsonb_agg(
        CASE WHEN (record ->> 'round_number')::int = %(round)s
            THEN (record - '{items,questions}'::text[]) || '{"request": {}, "is_removed": true}'
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
