"""Proof that a session's client holds a wallet's key: a challenge, and the signature that answers it once.

All times are Postgres's, so that workers agree on what has expired.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from apps_registry.support import database
from sessions_app.sql.wallets import PROVE_WALLET
from sessions_app.values import Wallet
from sessions_app.wallets.addresses import checksummed
from sessions_app.wallets.siwe import NOT_A_WALLET_KEY, InvalidProof, SignIn, check_times, parse_message, signer

TTL = timedelta(minutes=5)
NONCE_BYTES = 16  # 128 bits, of which EIP-4361 wants a good part and we at least 96
STATEMENT = "Prove that this wallet is yours. This costs nothing and sends no transaction."
SWEEP = 100

# A few challenges that are over go with each new one, so that nobody needs to come and sweep.
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
    """What a wallet is asked to sign."""

    message: str
    nonce: str
    expires_at: datetime


async def issue_challenge(session_id: UUID, *, wallet: Wallet, domain: str, uri: str) -> Challenge:
    """Make a challenge for a session, to be answered once within five minutes.

    Args:
        session_id: the session that the answer must come from.
        wallet: with its chain.
        domain: host and perhaps port of the page that asks for the signature.
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
        InvalidProof: anything about message, signature or challenge that does not fit.
    """
    sign_in = parse_message(message)
    await _check_challenge(session_id, sign_in, message)
    if signer(message, signature) != sign_in.address:
        raise InvalidProof(f"The signature is not of the message's address. {NOT_A_WALLET_KEY}")
    if not await database.execute(PROVE_WALLET, {"nonce": sign_in.nonce, "session": session_id}):
        raise InvalidProof("The nonce has been used, or has expired.")
    return Wallet(sign_in.address.lower(), sign_in.chain_id, is_proven=True)


async def _check_challenge(session_id: UUID, sign_in: SignIn, message: str) -> None:
    rows = await database.read(READ, {"nonce": sign_in.nonce, "session": session_id})
    if not rows:
        raise InvalidProof("The nonce is not one of this session.")
    address, chain_id, domain, uri, issued_at, expires_at, is_used, is_expired, now = rows[0]
    if is_used:
        raise InvalidProof("The nonce has been used.")
    if is_expired:
        raise InvalidProof("The nonce has expired.")
    asked = {"address": address, "chain id": chain_id, "domain": domain, "URI": uri}
    signed = (sign_in.address.lower(), sign_in.chain_id, sign_in.domain, sign_in.uri)
    for (name, wanted), given in zip(asked.items(), signed, strict=True):
        if wanted != given:
            raise InvalidProof(f"The message's {name} is not the challenge's.")
    check_times(sign_in, now=now, max_age=TTL)
    # All that the wallet showed its owner, the statement and optional fields too, must be what we asked for.
    nonce = sign_in.nonce
    issued = SignIn(domain, checksummed(address), uri, chain_id, nonce, issued_at, expiration_time=expires_at)
    if message != issued.text(STATEMENT):
        raise InvalidProof("The message is not the text that was issued.")
