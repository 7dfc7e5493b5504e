"""Statements of a turn's life: claim, renew, finish, give up.

Each statement is one round trip in its own transaction. All times are clock_timestamp() of Postgres, so that workers
whose clocks differ cannot take each other's leases.
"""

from apps_registry.values import release_kept_sql
from sessions_app.open_calls import UNKNOWN_OUTCOME
from sessions_app.sql.messages import INSERT_MESSAGES, insert_message
from sessions_app.sql.rows import SESSION_COLUMNS, SET_USAGE, USAGE_COLUMNS, listed
from sessions_app.sql.sessions import IS_EXPIRED, SESSION
from sessions_app.sql.wallets import NAME_WALLET

_LIVE_RELEASE, _KEEPS_RELEASE = "%(release)s::bigint", "%(keeps_release)s"

# What the turn's first round may use, and the limits that the server gives callers without a key. Triggers check and
# count them (keys/migrations/0011_accounting.py); a refusal undoes the whole statement.
_RESERVED_COLUMNS = "reserved_tokens, reserved_cost, admission"
_RESERVED = "%(reserved_tokens)s, %(reserved_cost)s::numeric, %(admission)s::jsonb"

# The claim allows one running turn per session. The version proves that the caller's copy is fresh, and the status that
# no turn is running. The same statement inserts the turn and the user's message, so that neither exists without the
# other.
_USERS_MESSAGE = insert_message(
    {
        "id": "%(message)s",
        "session_id": "id",
        "turn_id": "%(turn)s",
        "position": "next_position - 1",
        "role": "'user'",
        "content": "%(content)s",
        "created_at": "last_active_at",
    },
    source="claimed",
)
_BEGIN_TURN = f"""
, turn AS (
    INSERT INTO sessions_app_turn (id, session_id, app_id, app_key_id, model, status, partial_text,
        finish_reason, error_code, error_detail, tool_rounds, idempotency_key, options,
        {_RESERVED_COLUMNS})
    SELECT %(turn)s, id, %(app)s, %(app_key)s, chosen_model, 'running', '', '', '', '', 0, %(idempotency_key)s,
        %(options)s::jsonb, {_RESERVED}
    FROM claimed
), message AS (
    {_USERS_MESSAGE}
)
SELECT {listed(SESSION_COLUMNS)} FROM claimed
"""

CLAIM_SESSION = (
    f"""
WITH claimed AS (
    UPDATE sessions_app_chatsession session SET
        status = 'processing', version = version + 1, app_id = %(app)s, running_turn = %(turn)s,
        release_id = {release_kept_sql(live=_LIVE_RELEASE, kept="release_id", keeps=_KEEPS_RELEASE)},
        channel = %(channel)s,
        lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second',
        next_position = next_position + 1, last_active_at = clock_timestamp(),
        title = CASE WHEN title = '' THEN %(title)s ELSE title END,
        user_state = COALESCE(%(user_state)s, user_state),{NAME_WALLET}
    WHERE session.id = %(session)s AND session.version = %(version)s AND session.status <> 'processing'
        AND (session.app_id = %(app)s OR session.app_id IS NULL) AND session.channel IN ('', %(channel)s)
    RETURNING {SESSION}, session.next_position
)"""
    + _BEGIN_TURN
)

CLAIM_NEW_SESSION = (
    f"""
WITH claimed AS (
    INSERT INTO sessions_app_chatsession AS session (
        id, app_id, status, version, title, title_is_users, chosen_model, is_archived, user_state,
        wallet_address, wallet_chain_id, wallet_is_proven, next_position, running_turn, lease_expires_at,
        undelivered_events, created_at, last_active_at, release_id, channel, is_stateless)
    SELECT %(session)s, %(app)s, 'processing', (random() * 2 ^ 40)::bigint, %(title)s, false, '', false,
        %(user_state)s, %(wallet_address)s, %(wallet_chain_id)s, %(wallet_is_proven)s, 1, %(turn)s,
        now.at + %(lease)s * interval '1 second', 0, now.at, now.at,
        {release_kept_sql(live=_LIVE_RELEASE, kept="NULL", keeps=_KEEPS_RELEASE)}, %(channel)s,
        %(is_stateless)s
    FROM (SELECT clock_timestamp() AS at) now
    ON CONFLICT (id) DO NOTHING
    RETURNING {SESSION}, session.next_position
)"""
    + _BEGIN_TURN
)

READ_TURN_BY_KEY = """
SELECT id, status, error_code, error_detail, app_id, COALESCE((
    SELECT content = %(content)s FROM sessions_app_message
    WHERE turn_id = turn.id AND role = 'user' ORDER BY position LIMIT 1), true)
FROM sessions_app_turn turn WHERE session_id = %(session)s AND idempotency_key = %(idempotency_key)s
"""

# Restarts a failed turn in its old position, because its message is stored already. Once a later turn has started, this
# is impossible.
RECLAIM_SESSION = f"""
WITH claimed AS (
    UPDATE sessions_app_chatsession session SET
        status = 'processing', version = version + 1, running_turn = %(turn)s,
        lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second',
        last_active_at = clock_timestamp()
    WHERE session.id = %(session)s AND session.status <> 'processing' AND session.channel = %(channel)s
        AND NOT EXISTS (
            SELECT 1 FROM sessions_app_message later
            WHERE later.session_id = session.id AND later.turn_id IS DISTINCT FROM %(turn)s
                AND later.position > (SELECT min(position) FROM sessions_app_message WHERE turn_id = %(turn)s))
    RETURNING session.id
), turn AS (
    UPDATE sessions_app_turn SET
        status = 'running', error_code = '', error_detail = '', partial_text = '',
        app_key_id = %(app_key)s, started_at = clock_timestamp(), finished_at = NULL, paused_until = NULL,
        options = %(options)s::jsonb, steps = NULL,
        ({_RESERVED_COLUMNS}) = ROW ({_RESERVED})
    FROM claimed WHERE sessions_app_turn.id = %(turn)s
    RETURNING {listed(USAGE_COLUMNS)}
)
SELECT {listed(USAGE_COLUMNS)} FROM turn
"""

# Only a turn that still owns the session may end here: a turn that was interrupted, deleted or presumed dead in the
# meantime writes nothing.
FINISH_TURN = f"""
WITH owned AS (
    UPDATE sessions_app_chatsession SET
        status = %(session_status)s, version = version + 1, running_turn = NULL, lease_expires_at = NULL,
        next_position = next_position + %(message_count)s, last_active_at = clock_timestamp(),
        undelivered_events = undelivered_events + (%(event_kind)s::text IS NOT NULL)::int
    WHERE id = %(session)s AND running_turn = %(turn)s AND status = 'processing'
    RETURNING id, next_position - %(message_count)s AS position, version, undelivered_events, last_active_at
), turn AS (
    UPDATE sessions_app_turn SET
        status = %(turn_status)s, finished_at = clock_timestamp(), partial_text = %(partial_text)s, model = %(model)s,
        finish_reason = %(finish_reason)s, error_code = %(error_code)s, error_detail = %(error_detail)s,
        {SET_USAGE}, tool_rounds = %(tool_rounds)s, first_token_ms = %(first_token_ms)s, open_calls = NULL,
        attempts = %(attempts)s::jsonb, options = NULL, steps = COALESCE(steps, '[]') || %(steps)s::jsonb
    FROM owned WHERE sessions_app_turn.id = %(turn)s
), messages AS (
    {INSERT_MESSAGES}
), event AS (
    INSERT INTO sessions_app_systemevent (session_id, kind, payload)
    SELECT id, %(event_kind)s, %(event_payload)s FROM owned WHERE %(event_kind)s::text IS NOT NULL
)
SELECT version, undelivered_events, last_active_at FROM owned
"""

# One statement renews the leases of all turns of a worker, stores their streamed text, and returns the turns that still
# own their session. It skips locked rows: one long transaction of an operator must not make all leases expire.
RENEW_LEASES = """
WITH mine AS (
    SELECT * FROM unnest(%(sessions)s::uuid[], %(turns)s::uuid[], %(texts)s::text[]) AS t(session, turn, text)
), owned AS (
    SELECT session.id, session.running_turn FROM sessions_app_chatsession session
    JOIN mine ON session.id = mine.session AND session.running_turn = mine.turn
), free AS (
    SELECT session.id FROM sessions_app_chatsession session JOIN owned ON owned.id = session.id
    FOR UPDATE OF session SKIP LOCKED
), renewed AS (
    UPDATE sessions_app_chatsession session
    SET lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second'
    FROM free WHERE session.id = free.id
    RETURNING session.running_turn
), flushed AS (
    UPDATE sessions_app_turn turn SET partial_text = mine.text
    FROM mine JOIN renewed ON renewed.running_turn = mine.turn
    WHERE turn.id = mine.turn AND turn.partial_text <> mine.text
)
SELECT running_turn FROM owned
"""

_PARTIAL_REPLY = insert_message(
    {
        "id": "gen_random_uuid()",
        "session_id": "id",
        "turn_id": "turn",
        "position": "next_position - 1",
        "role": "'agent'",
        "content": "partial_text",
        "created_at": "clock_timestamp()",
    },
    source="expired WHERE partial_text <> ''",
)
_RESULTS_OF_OPEN_CALLS = {
    "id": "gen_random_uuid()",
    "session_id": "id",
    "turn_id": "turn",
    "position": "next_position - (partial_text <> '')::int - jsonb_array_length(open_calls) + number - 1",
    "role": "'tool'",
    "tool_round": "(call ->> 'round_number')::int",
    "tool_name": "left(call ->> 'name', 64)",
    "tool_call_id": "left(call ->> 'call_id', 100)",
    "tool_arguments": "call ->> 'arguments'",
    "extra": "NULLIF(call -> 'extra', 'null')",
    "reasoning": "COALESCE(call ->> 'reasoning', '')",
    "created_at": "clock_timestamp()",
}
_OPEN_CALLS = "expired, jsonb_array_elements(open_calls) WITH ORDINALITY AS calls(call, number)"


def give_up_turn(
    *, condition: str, becomes: str, code: str, detail: str, unknown: str, counts_reservation: bool = False
) -> str:
    """Return a statement that ends a turn that no worker runs: its stored text becomes the reply.

    All arguments are SQL.

    Args:
        condition: selects the turn; `session` and `turn` are the rows.
        becomes: the session's new status.
        code: the turn's error code.
        detail: the turn's error, as a sentence for the operator.
        unknown: the result of calls that have none.
        counts_reservation: whether limits count the reservation of the running round, whose usage cannot be known.
    """
    used = (
        """,
        unreported_tokens = unreported_tokens + reserved_tokens,
        unreported_cost = unreported_cost + COALESCE(reserved_cost, 0)"""
        if counts_reservation
        else ""
    )
    results = {**_RESULTS_OF_OPEN_CALLS, "content": f"COALESCE(call ->> 'result', {unknown})"}
    return f"""
WITH expired AS (
    UPDATE sessions_app_chatsession session SET
        status = {becomes}, version = version + 1, running_turn = NULL, lease_expires_at = NULL,
        next_position = next_position + (turn.partial_text <> '')::int
            + jsonb_array_length(COALESCE(turn.open_calls, '[]'))
    FROM sessions_app_turn turn
    WHERE session.id = %(session)s AND turn.id = session.running_turn AND {condition}
    RETURNING session.id, turn.id AS turn, turn.partial_text, turn.open_calls, session.next_position,
        turn.paused_until < clock_timestamp() AS is_overdue
), turn AS (
    UPDATE sessions_app_turn SET
        status = 'interrupted', finished_at = clock_timestamp(), partial_text = '', open_calls = NULL, options = NULL,
        error_code = {code}, error_detail = {detail}{used}
    FROM expired WHERE sessions_app_turn.id = expired.turn
), message AS (
    {_PARTIAL_REPLY}
), results AS (
    {insert_message(results, source=_OPEN_CALLS)}
)
SELECT id FROM expired
"""


# For a turn whose worker has died, or does not receive the interrupt.
EXPIRE_TURN = give_up_turn(
    condition=IS_EXPIRED,
    becomes="'interrupted'",
    code="'worker_lost'",
    detail="'The worker that ran this turn stopped responding.'",
    unknown=f"'{UNKNOWN_OUTCOME}'",
)
INTERRUPT_TURN = give_up_turn(
    condition="session.status = 'processing' AND session.running_turn = %(turn)s",
    becomes="'interrupted'",
    code="'interrupted'",
    detail="'The client interrupted this turn.'",
    unknown=f"'{UNKNOWN_OUTCOME}'",
    counts_reservation=True,
)

# Stores the messages of a round while the turn runs, so that a crash does not lose them and snapshots of every worker
# show them. Also journals calls that must not be repeated, before they are made, and reserves what the next round may
# use.
APPEND_MESSAGES = f"""
WITH owned AS (
    UPDATE sessions_app_chatsession SET
        version = version + 1, next_position = next_position + %(message_count)s,
        last_active_at = clock_timestamp()
    WHERE id = %(session)s AND running_turn = %(turn)s AND status = 'processing'
    RETURNING id, next_position - %(message_count)s AS position, version
), messages AS (
    {INSERT_MESSAGES}
), flushed AS (
    UPDATE sessions_app_turn SET
        partial_text = '', open_calls = %(open_calls)s::jsonb, model = %(model)s, tool_rounds = %(tool_rounds)s,
        {SET_USAGE}
    FROM owned WHERE sessions_app_turn.id = %(turn)s
)
SELECT version FROM owned
"""

# The usage of the session's last turn that has ended or waits for its user.
READ_LAST_USAGE = """
SELECT model, prompt_tokens, completion_tokens, cost, unpriced_tokens > 0 FROM sessions_app_turn
WHERE session_id = %(session)s AND status <> 'running' ORDER BY started_at DESC LIMIT 1
"""

READ_PARTIAL_TEXT = "SELECT partial_text FROM sessions_app_turn WHERE id = %(turn)s"

READ_END = """
SELECT status, error_code, error_detail, finish_reason, prompt_tokens, completion_tokens, open_calls
FROM sessions_app_turn WHERE id = %(turn)s
"""

# Rounds whose provider counted nothing have null tokens, and rounds that were cut off have none.
READ_USED_UNTIL = """
SELECT COALESCE(sum((step -> 'tokens' ->> 0)::bigint), 0)::bigint,
    COALESCE(sum((step -> 'tokens' ->> 1)::bigint), 0)::bigint
FROM sessions_app_turn, jsonb_array_elements(COALESCE(steps, '[]')) AS steps(step)
WHERE id = %(turn)s AND step ->> 'kind' = 'model' AND (step ->> 'round')::int <= %(round)s
"""

READ_OPTIONS = "SELECT options FROM sessions_app_turn WHERE id = %(turn)s"
