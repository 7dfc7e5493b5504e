"""The statements over many sessions; those over one are in sessions_app/sql/sessions.py and turns.py."""

from sessions_app.sql.sessions import IS_EXPIRED, SESSION

# Addresses are public, so an address alone lists nothing: the caller's own session, those of its key's Apps, and
# with a proven wallet those that are proven to be of that wallet, in the same App.
LIST_SESSIONS = f"""
SELECT {SESSION} FROM sessions_app_chatsession session
WHERE session.wallet_address = %(wallet)s
    AND (session.id = %(own)s OR session.app_id = ANY(%(apps)s)
        OR (session.app_id = %(proven_app)s AND session.wallet_is_proven))
    AND (%(before)s::timestamptz IS NULL OR (session.last_active_at, session.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY session.last_active_at DESC, session.id DESC LIMIT %(limit)s
"""

# Always one App's: with a proven wallet what is proven to be of it; with a claimed one, under a key scoped to the App,
# all of that wallet's.
READ_EARLIER = """
SELECT earlier.title, earlier.last_active_at, asked.content, answered.content
FROM (
    SELECT id, title, last_active_at FROM sessions_app_chatsession
    WHERE app_id = %(app)s AND wallet_address = %(wallet)s AND id <> %(session)s AND created_at < %(before)s
        AND (wallet_is_proven OR NOT %(only_proven)s)
    ORDER BY last_active_at DESC LIMIT %(limit)s
) earlier
CROSS JOIN LATERAL (
    SELECT left(content, %(chars)s) AS content FROM sessions_app_message
    WHERE session_id = earlier.id AND role = 'user' ORDER BY position DESC LIMIT 1
) asked
LEFT JOIN LATERAL (
    SELECT left(content, %(chars)s) AS content FROM sessions_app_message
    WHERE session_id = earlier.id AND role = 'agent' AND content <> '' ORDER BY position DESC LIMIT 1
) answered ON true
ORDER BY earlier.last_active_at DESC
"""

# The lock goes with the statement: of all workers one prunes at a time, and one that dies hinders nobody.
PRUNE_SESSIONS = """
WITH turn_to_prune AS (SELECT pg_try_advisory_xact_lock(hashtext('aomi.prune_sessions')) AS is_ours),
due AS (
    SELECT session.id FROM turn_to_prune, sessions_app_chatsession session
    JOIN apps_registry_app app ON app.id = session.app_id
    WHERE is_ours AND (session.status <> 'processing' OR session.lease_expires_at < clock_timestamp())
        AND session.last_active_at < clock_timestamp() - app.retention_days * interval '1 day'
    LIMIT %(batch)s FOR UPDATE OF session SKIP LOCKED
), messages AS (DELETE FROM sessions_app_message WHERE session_id IN (SELECT id FROM due)),
events AS (DELETE FROM sessions_app_systemevent WHERE session_id IN (SELECT id FROM due)),
turns AS (DELETE FROM sessions_app_turn WHERE session_id IN (SELECT id FROM due)),
gone AS (DELETE FROM sessions_app_chatsession WHERE id IN (SELECT id FROM due) RETURNING id)
SELECT count(*) FROM gone
"""

# Those that there are, each with the App that it belongs to.
READ_APPS = "SELECT id, app_id FROM sessions_app_chatsession WHERE id = ANY(%(sessions)s)"

READ_EXPIRED = f"""
SELECT session.id FROM sessions_app_chatsession session WHERE {IS_EXPIRED} LIMIT 100
"""
