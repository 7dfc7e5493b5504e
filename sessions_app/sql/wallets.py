"""SQL that binds a wallet to a session: one that the client names, or one that a signature proves."""

# A call without a wallet changes nothing. A new address is unproven unless a backend that the App trusts proved it; the
# same address keeps its proof. The same address without a chain id keeps its chain; otherwise the call's chain id
# replaces the old one, even with NULL.
NAME_WALLET = """
        wallet_is_proven = %(wallet_is_proven)s
            OR (wallet_is_proven AND COALESCE(wallet_address = %(wallet_address)s, true)),
        wallet_address = COALESCE(%(wallet_address)s, wallet_address),
        wallet_chain_id = CASE
            WHEN COALESCE(wallet_address = %(wallet_address)s AND %(wallet_chain_id)s::bigint IS NULL, true)
            THEN wallet_chain_id ELSE %(wallet_chain_id)s END"""

# Of many concurrent replays, only one finds the challenge unused. The same statement binds the wallet.
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
