"""The statements of the hot path over sessions as the tables of sessions_app/models.py hold them.

Each is one round trip in its own transaction. Those of turns are in sessions_app/sql/turns.py.
"""

SESSION_COLUMNS = """
    session.id, session.app_id, session.status, session.version, session.title, session.chosen_model,
    session.is_archived, session.user_state, session.wallet_address, session.wallet_chain_id, session.wallet_is_proven,
    session.running_turn, session.undelivered_events, session.created_at, session.last_active_at,
    session.summary, session.summarised_count, session.release_id
"""

READ_SESSION = f"""
SELECT {SESSION_COLUMNS}, session.status = 'processing' AND session.lease_expires_at < clock_timestamp()
FROM sessions_app_chatsession session WHERE session.id = %(session)s
"""

READ_VERSION = """
SELECT session.version, session.status = 'processing' AND session.lease_expires_at < clock_timestamp()
FROM sessions_app_chatsession session WHERE session.id = %(session)s
"""

READ_MESSAGES = """
SELECT id, turn_id, role, content, created_at, tool_round, tool_name, tool_call_id, tool_arguments, extra
FROM sessions_app_message WHERE session_id = %(session)s ORDER BY position
"""

# Versions begin at a random number: see sessions_app/models.py.
CREATE_SESSION = f"""
INSERT INTO sessions_app_chatsession AS session (
    id, app_id, status, version, title, title_is_users, chosen_model, is_archived, user_state, wallet_address,
    wallet_chain_id, next_position, undelivered_events)
VALUES (%(session)s, %(app)s, 'idle', (random() * 2 ^ 40)::bigint, '', false, '', false, %(user_state)s,
    %(wallet_address)s, %(wallet_chain_id)s, 0, 0)
ON CONFLICT (id) DO NOTHING
RETURNING {SESSION_COLUMNS}, false
"""

# A new session, or one not yet bound, takes what the client says; a bound one keeps its App. The same wallet named
# without its chain stays on the chain that it was on.
UPDATE_SESSION = f"""
UPDATE sessions_app_chatsession session SET
    version = version + 1,
    app_id = COALESCE(app_id, %(app)s),
    title = COALESCE(%(title)s, title),
    title_is_users = title_is_users OR %(title)s IS NOT NULL,
    user_state = COALESCE(%(user_state)s, user_state),
    wallet_is_proven = wallet_is_proven AND COALESCE(wallet_address = %(wallet_address)s, true),
    wallet_address = COALESCE(%(wallet_address)s, wallet_address),
    wallet_chain_id = CASE
            WHEN COALESCE(wallet_address = %(wallet_address)s AND %(wallet_chain_id)s::bigint IS NULL, true)
            THEN wallet_chain_id ELSE %(wallet_chain_id)s END
WHERE session.id = %(session)s
RETURNING {SESSION_COLUMNS}, false
"""

DELETE_SESSION = """
WITH gone AS (DELETE FROM sessions_app_chatsession WHERE id = %(session)s RETURNING id),
messages AS (DELETE FROM sessions_app_message WHERE session_id = %(session)s),
events AS (DELETE FROM sessions_app_systemevent WHERE session_id = %(session)s),
turns AS (DELETE FROM sessions_app_turn WHERE session_id = %(session)s)
SELECT id FROM gone
"""

# Each event is delivered by one snapshot; a concurrent snapshot finds its rows locked and skips them.
DELIVER_EVENTS = """
WITH due AS (
    SELECT id FROM sessions_app_systemevent
    WHERE session_id = %(session)s AND delivered_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED
), delivered AS (
    UPDATE sessions_app_systemevent event SET delivered_at = clock_timestamp()
    FROM due WHERE event.id = due.id RETURNING event.id, event.kind, event.payload
), counted AS (
    UPDATE sessions_app_chatsession SET version = version + 1,
        undelivered_events = undelivered_events - (SELECT count(*) FROM delivered)
    WHERE id = %(session)s AND EXISTS (SELECT 1 FROM delivered)
)
SELECT kind, payload FROM delivered ORDER BY id
"""

CHOOSE_MODEL = """
UPDATE sessions_app_chatsession SET version = version + 1, chosen_model = %(model)s WHERE id = %(session)s
RETURNING id
"""

# What a client tells the session outside the conversation; a turn that runs goes on beside it.
ADD_SYSTEM_EVENT = """
WITH told AS (
    UPDATE sessions_app_chatsession SET
        version = version + 1, next_position = next_position + 1, undelivered_events = undelivered_events + 1,
        last_active_at = clock_timestamp()
    WHERE id = %(session)s
    RETURNING id, next_position - 1 AS position, last_active_at
), event AS (
    INSERT INTO sessions_app_systemevent (session_id, kind, payload) SELECT id, %(kind)s, %(payload)s FROM told
), message AS (
    INSERT INTO sessions_app_message (id, session_id, position, role, content, tool_round, tool_name,
        tool_call_id, tool_arguments, created_at)
    SELECT %(message)s, id, position, 'system', %(content)s, 0, '', '', '', last_active_at FROM told
)
SELECT last_active_at FROM told
"""

READ_EVENTS = """
SELECT kind, payload FROM (
    SELECT id, kind, payload FROM sessions_app_systemevent
    WHERE session_id = %(session)s ORDER BY id DESC LIMIT %(count)s) newest
ORDER BY id
"""

SET_ARCHIVED = """
UPDATE sessions_app_chatsession SET version = version + 1, is_archived = %(is_archived)s
WHERE id = %(session)s AND is_archived <> %(is_archived)s
"""

# A title that a user, or another worker, has set in the meantime stays.
GIVE_TITLE = """
UPDATE sessions_app_chatsession SET version = version + 1, title = %(title)s
WHERE id = %(session)s AND NOT title_is_users AND title = %(instead_of)s
RETURNING id
"""

# Messages are never removed one by one and positions have no gaps, so a number says which of them it covers.
GIVE_SUMMARY = """
UPDATE sessions_app_chatsession SET
    version = version + 1, summary = %(summary)s, summarised_count = %(count)s
WHERE id = %(session)s AND summarised_count = %(instead_of)s
RETURNING id
"""
