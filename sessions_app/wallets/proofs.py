"""Proof that a client holds a wallet's key: the client signs a challenge, which it may use once.

All times are those of Postgres, so that workers agree on what has expired.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from apps_registry.support import database
from apps_registry.support.wallet_addresses import checksummed
from sessions_app.sql.wallets import PROVE_WALLET
from sessions_app.values import Wallet
from sessions_app.wallets.siwe import NOT_A_WALLET_KEY, InvalidProof, SignIn, check_times, parse_message, signer

TTL = timedelta(minutes=5)
NONCE_BYTES = 16  # 128 bits; EIP-4361 asks for enough entropy to prevent replays, and we want at least 96 bits
STATEMENT = "Prove that this wallet is yours. This costs nothing and sends no transaction."
SWEEP = 100

# Each new challenge also deletes a few expired ones, which saves a periodic cleanup task.
ISSUE = """
WITH over AS (
    DELETE FROM sessions_app_walletchallenge WHERE nonce IN (
        SELECT nonce FROM sessions_app_walletchallenge
        WHERE expires_at < clock_timestamp() - %(ttl)s LIMIT %(sweep)s FOR UPDATE SKIP LOCKED)
)
INSERT INTO sessions_app_walletchallenge (nonce, session_id, address, chain_id, domain, uri, issued_at, expires_at)
SELECT %(nonce)s, %(session)s, %(address)s, %(chain_id)s, %(domain)s, %(uri)s, now.at, now.at + %(ttl)s
FROM (SELECT date_trunc('second', clock_timestamp()) AS at) now
RETURNING issued_at, expires_at
"""

READ = """
SELECT address, chain_id, domain, uri, issued_at, expires_at, used_at IS NOT NULL,
    expires_at <= clock_timestamp(), clock_timestamp()
FROM sessions_app_walletchallenge WHERE nonce = %(nonce)s AND session_id = %(session)s
"""


@dataclass(frozen=True, slots=True)
class Challenge:
    message: str
    nonce: str
    expires_at: datetime


async def issue_challenge(session_id: UUID, *, wallet: Wallet, domain: str, uri: str) -> Challenge:
    """Create a challenge for a session; it may be answered once, within five minutes.

    Args:
        session_id: the session that must answer.
        wallet: the wallet, with its chain id.
        domain: the host, with an optional port, of the page that requests the signature.
        uri: the page.
    """
    assert wallet.chain_id is not None  # noqa: S101 - the message must name one
    nonce = secrets.token_hex(NONCE_BYTES)
    parameters = {"nonce": nonce, "session": session_id, "ttl": TTL, "sweep": SWEEP, "domain": domain, "uri": uri}
    rows = await database.execute(ISSUE, {**parameters, "address": wallet.address, "chain_id": wallet.chain_id})
    issued_at, expires_at = rows[0]
    address = checksummed(wallet.address)
    sign_in = SignIn(domain, address, uri, wallet.chain_id, nonce, issued_at, expiration_time=expires_at)
    return Challenge(sign_in.text(STATEMENT), nonce, expires_at)


async def prove(session_id: UUID, *, message: str, signature: str) -> Wallet:
    """Bind the session to the wallet that signed its challenge.

    Raises:
        InvalidProof: the message, the signature or the challenge is invalid.
    """
    sign_in = parse_message(message)
    await _check_challenge(session_id, sign_in, message)
    if signer(message, signature) != sign_in.address:
        raise InvalidProof(f"The message's address did not make this signature. {NOT_A_WALLET_KEY}")
    if not await database.execute(PROVE_WALLET, {"nonce": sign_in.nonce, "session": session_id}):
        raise InvalidProof("The nonce has been used, or has expired.")
    return Wallet(sign_in.address.lower(), sign_in.chain_id, is_proven=True)


async def _check_challenge(session_id: UUID, sign_in: SignIn, message: str) -> None:
    rows = await database.read(READ, {"nonce": sign_in.nonce, "session": session_id})
    if not rows:
        raise InvalidProof("The nonce does not belong to this session.")
    address, chain_id, domain, uri, issued_at, expires_at, is_used, is_expired, current_time = rows[0]
    if is_used:
        raise InvalidProof("The nonce has been used.")
    if is_expired:
        raise InvalidProof("The nonce has expired.")
    challenge_fields = {"address": address, "chain id": chain_id, "domain": domain, "URI": uri}
    signed_values = (sign_in.address.lower(), sign_in.chain_id, sign_in.domain, sign_in.uri)
    for (name, expected), signed in zip(challenge_fields.items(), signed_values, strict=True):
        if expected != signed:
            raise InvalidProof(f"The message's {name} is not that of the challenge.")
    check_times(sign_in, now=current_time, max_age=TTL)
    # Everything that the wallet showed its owner, including statement and optional fields, must be what we issued.
    nonce = sign_in.nonce
    issued = SignIn(domain, checksummed(address), uri, chain_id, nonce, issued_at, expiration_time=expires_at)
    if message != issued.text(STATEMENT):
        raise InvalidProof("The message is not the text that was issued.")
