"""Statements of turns that wait for answers from their client.

Such a turn has the status "paused", and its session, which is not processing, still names it in `running_turn`. Each
statement locks the session's row before it changes either, as those in sessions_app/sql/turns.py do.
"""

from sessions_app.open_calls import (
    DECLINED_BY_MESSAGE,
    INTERRUPTED,
    NO_ANSWER,
    NO_ANSWER_IN_TIME,
    NOT_CONFIRMED_IN_TIME,
)
from sessions_app.questions import OF_CLIENT
from sessions_app.sql.messages import INSERT_MESSAGES
from sessions_app.sql.rows import SET_USAGE, USAGE_COLUMNS, listed
from sessions_app.sql.turns import give_up_turn

_RUNS_AT_CLIENT = f"call ->> 'kind' IN ({', '.join(repr(kind.value) for kind in sorted(OF_CLIENT))})"

PAUSE_TURN = f"""
WITH owned AS (
    UPDATE sessions_app_chatsession SET
        status = 'idle', version = version + 1, lease_expires_at = NULL,
        next_position = next_position + %(message_count)s, last_active_at = clock_timestamp(),
        undelivered_events = undelivered_events + cardinality(%(inline_calls)s::text[])
    WHERE id = %(session)s AND running_turn = %(turn)s AND status = 'processing'
    RETURNING id, next_position - %(message_count)s AS position, version, undelivered_events, last_active_at
), turn AS (
    UPDATE sessions_app_turn SET
        status = 'paused', partial_text = '', model = %(model)s, {SET_USAGE}, tool_rounds = %(tool_rounds)s,
        first_token_ms = %(first_token_ms)s, attempts = %(attempts)s::jsonb,
        open_calls = %(open_calls)s::jsonb, paused_until = %(paused_until)s,
        steps = COALESCE(steps, '[]') || %(steps)s::jsonb
    FROM owned WHERE sessions_app_turn.id = %(turn)s
), messages AS (
    {INSERT_MESSAGES}
), events AS (
    INSERT INTO sessions_app_systemevent (session_id, kind, payload)
    SELECT owned.id, 'InlineCall', asked.payload
    FROM owned, unnest(%(inline_calls)s::text[]) WITH ORDINALITY AS asked(payload, number) ORDER BY number
)
SELECT version, undelivered_events, last_active_at FROM owned
"""

# Stores the answer to one question; the last answer resumes the turn, whose calls are journalled in the same statement.
# A repeated or late answer, or one to a question that this session did not ask, matches no row. Calls that an earlier
# version stored have no kind, because there was only one.
ANSWER = f"""
WITH session AS (
    SELECT id, running_turn FROM sessions_app_chatsession
    WHERE id = %(session)s AND status <> 'processing' FOR UPDATE
), answered AS (
    UPDATE sessions_app_turn turn SET
        open_calls = (
            SELECT jsonb_agg(CASE WHEN call ->> 'confirmation' = %(question)s THEN call || %(decision)s::jsonb
                ELSE call END ORDER BY number)
            FROM jsonb_array_elements(turn.open_calls) WITH ORDINALITY AS calls(call, number)),
        status = CASE WHEN EXISTS (
            SELECT 1 FROM jsonb_array_elements(turn.open_calls) AS other(call)
            WHERE call ->> 'confirmation' <> %(question)s AND call ->> 'is_approved' IS NULL)
            THEN 'paused' ELSE 'running' END,
        reserved_tokens = %(reserved_tokens)s, reserved_cost = %(reserved_cost)s::numeric,
        admission = %(admission)s::jsonb, app_key_id = %(app_key)s
    FROM session
    WHERE turn.id = session.running_turn AND turn.status = 'paused' AND turn.paused_until > clock_timestamp()
        AND EXISTS (
            SELECT 1 FROM jsonb_array_elements(turn.open_calls) AS asked(call)
            WHERE call ->> 'confirmation' = %(question)s AND call ->> 'is_approved' IS NULL
                AND COALESCE(call ->> 'kind', 'confirm_tool') = ANY (%(kinds)s))
    RETURNING turn.id, turn.status, turn.open_calls, turn.tool_rounds, turn.first_token_ms, turn.attempts,
        {listed(USAGE_COLUMNS, of="turn")}
), resumed AS (
    UPDATE sessions_app_chatsession SET
        status = 'processing', version = version + 1, last_active_at = clock_timestamp(),
        lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second'
    FROM answered WHERE sessions_app_chatsession.id = %(session)s AND answered.status = 'running'
)
SELECT * FROM answered
"""

# Recognises a repeated answer while the turn still has it: the client may not have received our first response.
READ_SAME_ANSWER = """
SELECT 1 FROM sessions_app_turn WHERE session_id = %(session)s AND open_calls @> %(same)s::jsonb LIMIT 1
"""

READ_KEY = "SELECT app_key_id FROM sessions_app_turn WHERE id = %(turn)s"

# The deadline has passed, or a new message came instead of an answer: the calls are not made, and the turn ends.
END_PAUSE = give_up_turn(
    condition="session.status <> 'processing' AND turn.status = 'paused' AND turn.id = %(turn)s",
    becomes="session.status",
    code="CASE WHEN is_overdue THEN 'not_confirmed' ELSE 'declined' END",
    detail="CASE WHEN is_overdue THEN 'The user did not confirm a tool call in time.' "
    "ELSE 'The user wrote another message instead of confirming a tool call.' END",
    unknown=f"CASE WHEN {_RUNS_AT_CLIENT} AND is_overdue THEN '{NO_ANSWER_IN_TIME}' "
    f"WHEN {_RUNS_AT_CLIENT} THEN '{NO_ANSWER}' "
    f"WHEN is_overdue THEN '{NOT_CONFIRMED_IN_TIME}' ELSE '{DECLINED_BY_MESSAGE}' END",
)

INTERRUPT_PAUSE = give_up_turn(
    condition="session.status <> 'processing' AND turn.status = 'paused' AND turn.id = %(turn)s",
    becomes="'interrupted'",
    code="'interrupted'",
    detail="'The client interrupted this turn while it waited for a confirmation.'",
    unknown=f"CASE WHEN {_RUNS_AT_CLIENT} THEN '{NO_ANSWER}' ELSE '{INTERRUPTED}' END",
)

READ_OVERDUE = """
SELECT session_id, id FROM sessions_app_turn
WHERE status = 'paused' AND paused_until < clock_timestamp() LIMIT 100
"""
