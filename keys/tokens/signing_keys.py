"""The keys that sign browser tokens: a new one every 30 days or by command; an old one stays until its tokens end.

Workers keep the keys in memory. Whether a key is still valid is read with each token (keys/verification.py), so a key
that is retired immediately ends its tokens at the next request of every worker.
"""

import asyncio
import math
import secrets
import time
from typing import NamedTuple

from django.conf import settings

from apps_registry.support import database
from keys.tokens.bounds import MAX_SECONDS
from keys.tokens.text import derive_key

SALT_BYTES = 32
# A token may name a key that this worker does not know yet. Tokens that name made-up keys cause one read per interval.
READ_AGAIN_SECONDS = 1.0

IS_VALID = "(signer.retires_at IS NULL OR signer.retires_at > clock_timestamp())"
READ_ALL = f"SELECT signer.id, signer.salt FROM keys_tokensigningkey signer WHERE {IS_VALID}"
READ_CURRENT = """
SELECT id, salt FROM keys_tokensigningkey
WHERE retires_at IS NULL AND created_at > clock_timestamp() - interval '30 days' ORDER BY id DESC LIMIT 1
"""
# The lock lets one of several workers make the new key; the others wait and find it.
BEGIN_ROTATION = "SELECT pg_advisory_xact_lock(hashtext('aomi.token_signing_keys'))"
ROTATE = """
WITH gone AS (DELETE FROM keys_tokensigningkey WHERE retires_at <= clock_timestamp()),
retired AS (
    UPDATE keys_tokensigningkey SET retires_at = clock_timestamp() + %(overlap)s * interval '1 second'
    WHERE retires_at IS NULL OR retires_at > clock_timestamp() + %(overlap)s * interval '1 second'
)
INSERT INTO keys_tokensigningkey (salt) VALUES (%(salt)s) RETURNING id, salt
"""


class SigningKey(NamedTuple):
    id: int
    secret: bytes


def new_key_parameters(*, at_once: bool = False) -> dict[str, int | str]:
    """Return the parameters of ROTATE.

    Args:
        at_once: whether the tokens of earlier keys end now, rather than live out their time.
    """
    return {"overlap": 0 if at_once else MAX_SECONDS, "salt": secrets.token_hex(SALT_BYTES)}


async def current_key() -> SigningKey:
    """Return the key that signs new tokens; make one if there is none, or if it is older than 30 days."""
    if rows := await database.read(READ_CURRENT):
        return _signing_key(*rows[0])
    async with database.pooled_connection() as connection, connection.transaction():
        await connection.execute(BEGIN_ROTATION)
        row = await (await connection.execute(READ_CURRENT)).fetchone()
        if row is None:
            row = await (await connection.execute(ROTATE, new_key_parameters())).fetchone()
    assert row is not None  # noqa: S101 - the statement returns the new row
    return _signing_key(*row)


class SigningKeys:
    """The signing keys that this worker knows."""

    def __init__(self) -> None:
        self._secrets: dict[int, bytes] = {}
        self._began_reading = -math.inf
        self._reading: asyncio.Task[None] | None = None

    async def secret(self, signer_id: int) -> bytes | None:
        """Return a signing key, which may have been retired in the meantime; None if there is none with this id."""
        requested_at = time.monotonic()
        while signer_id not in self._secrets and self._began_reading < requested_at:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read(), name="signing-keys")
            await asyncio.shield(self._reading)  # others wait for the same read
        return self._secrets.get(signer_id)

    async def _read(self) -> None:
        await asyncio.sleep(max(0.0, self._began_reading + READ_AGAIN_SECONDS - time.monotonic()))
        began = time.monotonic()
        rows = await database.read(READ_ALL)
        self._secrets = {id_: _signing_key(id_, salt).secret for id_, salt in rows}
        self._began_reading = began


def _signing_key(id_: int, salt: str) -> SigningKey:
    return SigningKey(id_, derive_key(settings.SECRET_KEY, salt))


signing_keys = SigningKeys()
