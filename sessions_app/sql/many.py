"""Statements over many sessions; those over one session are in sessions.py and turns.py next to this file."""

from apps_registry.values import OPERATORS_CHANNEL
from sessions_app.sql.sessions import IS_EXPIRED, SESSION

_IS_OPERATORS = f"starts_with(session.channel, '{OPERATORS_CHANNEL}')"

# Addresses are public, so an address alone lists nothing. A caller sees its own session, those of its key's Apps and,
# if its session has proven the wallet, those of the same App that have proven it too.
LIST_SESSIONS = f"""
SELECT {SESSION} FROM sessions_app_chatsession session
WHERE session.wallet_address = %(wallet)s AND NOT {_IS_OPERATORS}
    AND (session.id = %(own)s OR session.app_id = ANY(%(apps)s)
        OR (session.app_id = %(proven_app)s AND session.wallet_is_proven))
    AND (%(before)s::timestamptz IS NULL OR (session.last_active_at, session.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY session.last_active_at DESC, session.id DESC LIMIT %(limit)s
"""

# Sessions of one App. If the wallet is proven, only sessions that have proven it; if it is only claimed, which needs a
# key scoped to the App, all sessions of that wallet. Operators in the playground claim wallets of others, so their
# sessions recall only one another, and no caller's session recalls them.
READ_EARLIER = f"""
SELECT earlier.title, earlier.last_active_at, asked.content, answered.content
FROM (
    SELECT id, title, last_active_at FROM sessions_app_chatsession session
    WHERE app_id = %(app)s AND wallet_address = %(wallet)s AND id <> %(session)s AND created_at < %(before)s
        AND (wallet_is_proven OR NOT %(only_proven)s) AND {_IS_OPERATORS} = %(is_operators)s
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

# One worker prunes at a time. The lock ends with the statement, so a worker that dies does not block the others.
PRUNE_SESSIONS = """
WITH turn_to_prune AS (SELECT pg_try_advisory_xact_lock(hashtext('aomi.prune_sessions')) AS is_ours),
due AS (
    SELECT session.id FROM turn_to_prune, sessions_app_chatsession session
    JOIN apps_registry_app app ON app.id = session.app_id
    WHERE is_ours AND (session.status <> 'processing' OR session.lease_expires_at < clock_timestamp())
        AND session.last_active_at < clock_timestamp() - interval '1 day'
            * COALESCE(app.retention_days, CASE WHEN session.is_stateless THEN %(stateless_days)s END)
    LIMIT %(batch)s FOR UPDATE OF session SKIP LOCKED
), messages AS (DELETE FROM sessions_app_message WHERE session_id IN (SELECT id FROM due)),
events AS (DELETE FROM sessions_app_systemevent WHERE session_id IN (SELECT id FROM due)),
turns AS (DELETE FROM sessions_app_turn WHERE session_id IN (SELECT id FROM due)),
gone AS (DELETE FROM sessions_app_chatsession WHERE id IN (SELECT id FROM due) RETURNING id)
SELECT count(*) FROM gone
"""

# Some Apps keep no text of stateless sessions. The sessions stay, without messages, as the turns' record.
_TEXT_TO_DROP = """
    session.is_stateless AND session.next_position > 0 AND session.status <> 'processing'
        AND session.running_turn IS NULL AND NOT app.keeps_stateless_text"""
_DROP_TEXT = """
WITH due AS (
    SELECT session.id FROM sessions_app_chatsession session JOIN apps_registry_app app ON app.id = session.app_id
    WHERE {which} LIMIT %(batch)s FOR UPDATE OF session SKIP LOCKED
), dropped AS (
    UPDATE sessions_app_chatsession session SET
        version = version + 1, title = '', user_state = NULL, next_position = 0, undelivered_events = 0
    FROM due WHERE session.id = due.id
), events AS (DELETE FROM sessions_app_systemevent WHERE session_id IN (SELECT id FROM due)
), requests AS (DELETE FROM sessions_app_sentrequest WHERE turn_id IN (
    SELECT id FROM sessions_app_turn WHERE session_id IN (SELECT id FROM due))
), turns AS (UPDATE sessions_app_turn SET partial_text = '' WHERE session_id IN (SELECT id FROM due)
)
DELETE FROM sessions_app_message WHERE session_id IN (SELECT id FROM due)
"""
DROP_TEXT_OF_SESSION = _DROP_TEXT.format(which=f"session.id = %(session)s AND {_TEXT_TO_DROP}")
DROP_STATELESS_TEXT = _DROP_TEXT.format(which=_TEXT_TO_DROP)

# Sessions that do not exist have no row.
READ_OWNERS = f"""
SELECT id, app_id, wallet_address, {_IS_OPERATORS} FROM sessions_app_chatsession session WHERE id = ANY(%(sessions)s)
"""

READ_EXPIRED = f"""
SELECT session.id FROM sessions_app_chatsession session WHERE {IS_EXPIRED} LIMIT 100
"""
