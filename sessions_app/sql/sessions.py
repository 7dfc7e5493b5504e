"""Statements of the hot path over single sessions; those of turns are in sessions_app/sql/turns.py.

Each statement is one round trip in its own transaction.
"""

from functools import cache

from sessions_app.sql.messages import insert_message
from sessions_app.sql.rows import SESSION_COLUMNS, listed
from sessions_app.sql.wallets import NAME_WALLET

# The columns that `session_from_row` reads.
SESSION = listed(SESSION_COLUMNS, of="session")

# The worker of the session's turn has died.
IS_EXPIRED = "session.status = 'processing' AND session.lease_expires_at < clock_timestamp()"

READ_SESSION = f"""
SELECT {IS_EXPIRED}, {SESSION} FROM sessions_app_chatsession session WHERE session.id = %(session)s
"""

READ_VERSION = f"""
SELECT {IS_EXPIRED}, session.version FROM sessions_app_chatsession session WHERE session.id = %(session)s
"""


@cache
def create_session(counted: str) -> str:
    """Return the statement that creates a session; `counted` is SQL that runs for a session that did not exist."""
    # Versions start at a random number: see sessions_app/models.py.
    return f"""
WITH created AS (
    INSERT INTO sessions_app_chatsession AS session (
        id, app_id, status, version, title, title_is_users, chosen_model, is_archived, user_state, wallet_address,
        wallet_chain_id, wallet_is_proven, next_position, undelivered_events, channel)
    VALUES (%(session)s, %(app)s, 'idle', (random() * 2 ^ 40)::bigint, '', false, '', false, NULL,
        %(wallet_address)s, %(wallet_chain_id)s, %(wallet_is_proven)s, 0, 0, '')
    ON CONFLICT (id) DO NOTHING
    RETURNING {SESSION}
)
SELECT {listed(SESSION_COLUMNS)}, {counted} FROM created
"""


# Sets the App of a session that has none yet; any other session keeps its App.
UPDATE_SESSION = f"""
UPDATE sessions_app_chatsession session SET
    version = version + 1,
    app_id = COALESCE(app_id, %(app)s),
    title = COALESCE(%(title)s, title),
    title_is_users = title_is_users OR %(title)s IS NOT NULL,
    user_state = COALESCE(%(user_state)s, user_state),{NAME_WALLET}
WHERE session.id = %(session)s
RETURNING {SESSION}
"""

DELETE_SESSION = """
WITH gone AS (DELETE FROM sessions_app_chatsession WHERE id = %(session)s RETURNING id),
messages AS (DELETE FROM sessions_app_message WHERE session_id = %(session)s),
events AS (DELETE FROM sessions_app_systemevent WHERE session_id = %(session)s),
turns AS (DELETE FROM sessions_app_turn WHERE session_id = %(session)s)
SELECT id FROM gone
"""

# One snapshot delivers each event; a concurrent snapshot skips the locked rows.
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

# A client's message to the session outside the conversation; it does not affect a running turn.
_EVENTS_MESSAGE = insert_message(
    {
        "id": "%(message)s",
        "session_id": "id",
        "position": "position",
        "role": "'system'",
        "content": "%(content)s",
        "created_at": "last_active_at",
    },
    source="counted",
)
ADD_SYSTEM_EVENT = f"""
WITH counted AS (
    UPDATE sessions_app_chatsession SET
        version = version + 1, next_position = next_position + 1, undelivered_events = undelivered_events + 1,
        last_active_at = clock_timestamp()
    WHERE id = %(session)s
    RETURNING id, next_position - 1 AS position, last_active_at
), event AS (
    INSERT INTO sessions_app_systemevent (session_id, kind, payload) SELECT id, %(kind)s, %(payload)s FROM counted
), message AS (
    {_EVENTS_MESSAGE}
)
SELECT last_active_at FROM counted
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

# Keeps a title that a user or another worker has set in the meantime.
GIVE_TITLE = """
UPDATE sessions_app_chatsession SET version = version + 1, title = %(title)s
WHERE id = %(session)s AND NOT title_is_users AND title = %(instead_of)s
RETURNING id
"""

# The messages that it covers may have been deleted meanwhile: then the last of them has another number.
GIVE_SUMMARY = """
UPDATE sessions_app_chatsession SET
    version = version + 1, summary = %(summary)s, summarised_count = %(count)s
WHERE id = %(session)s AND summarised_count = %(instead_of)s AND %(last)s = (
    SELECT id FROM sessions_app_message WHERE session_id = %(session)s
    ORDER BY position OFFSET %(count)s - 1 LIMIT 1)
RETURNING id
"""
