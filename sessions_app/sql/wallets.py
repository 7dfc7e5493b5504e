"""What a wallet changes in a session's row: named by the client, or proven by a signature."""

# A call that names no wallet leaves the session's as it is. Another address is not proven, whatever the one before was;
# the same one stays as proven as it is. The same address named without its chain stays on its chain; named with one, or
# another address, is on the chain that comes with it.
NAME_WALLET = """
        wallet_is_proven = wallet_is_proven AND COALESCE(wallet_address = %(wallet_address)s, true),
        wallet_address = COALESCE(%(wallet_address)s, wallet_address),
        wallet_chain_id = CASE
            WHEN COALESCE(wallet_address = %(wallet_address)s AND %(wallet_chain_id)s::bigint IS NULL, true)
            THEN wallet_chain_id ELSE %(wallet_chain_id)s END"""

# Of many replays at once, one finds the challenge unused; the binding is made in the same statement or not at all.
PROVE_WALLET = """
WITH spent AS (
    UPDATE sessions_app_walletchallenge SET used_at = clock_timestamp()
    WHERE nonce = %(nonce)s AND session_id = %(session)s AND used_at IS NULL AND expires_at > clock_timestamp()
    RETURNING session_id, address, chain_id
)
UPDATE sessions_app_chatsession session SET
    version = version + 1, wallet_address = spent.address, wallet_chain_id = spent.chain_id, wallet_is_proven = true
FROM spent WHERE session.id = spent.session_id
RETURNING session.id
"""
