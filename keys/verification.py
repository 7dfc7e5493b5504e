"""Verifies presented keys: one indexed read per request, argon2 once per key and process.

All failures have the same cost and the same response, whether the id is unknown, the secret is wrong, or the key is
revoked or expired: one run of argon2 in the failure queue, one count for the id and address, and 401, or 429 after too
many. Throttling affects only failures, never a valid key: a guesser behind the same proxy locks no one out.

Two checks separate valid keys from guesses before argon2 runs. Keys that this worker has verified are known by a keyed
digest. For the others, a few bits of a digest are stored next to the hash: a secret that matches them is checked in a
separate queue, which guesses cannot fill; any other secret is certain to fail. While an id is blocked for an address,
the worker remembers these bits, so a flood costs no statement, and the holder's key still passes. A key from an
earlier version has no such bits until it is first verified: until then, each guess is read and checked in the failure
queue, because blocking would lock its holder out.
"""

import asyncio
import hmac
import math
import secrets
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn

from cachetools import LRUCache
from psycopg.rows import TupleRow

from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from apps_registry.support.request_sources import limits_of
from keys import crypto
from keys.callers import Caller
from keys.tokens.bounds import TokenBounds, TokenConditions
from keys.tokens.signing_keys import IS_VALID, signing_keys
from keys.tokens.text import read_token, signer_of
from keys.usability import usable_sql


class KeyRow(NamedTuple):
    """What one indexed read returns of a presented key; the columns' SQL is in _KEY_COLUMNS, by field.

    Attributes:
        revision: of the registry; the only value if there is no such key.
        key_id: the AppKey's id; None: no key has the lookup id.
        is_usable: whether the key is neither revoked nor expired.
        app_ids: the Apps in its scope.
        is_stale: whether the time of its last use is to be written.
        allowed_origins: websites whose pages may use it, one per line; empty: any.
        allowed_networks: addresses and networks from which it may be used, one per line; empty: any.
    """

    revision: int
    key_id: int | None
    secret_hash: str
    secret_check: str | None
    is_usable: bool
    app_ids: list[int]
    is_stale: bool
    allowed_origins: str
    allowed_networks: str

    def admits(self, token: TokenBounds | None, conditions: TokenConditions) -> bool:
        """Whether this key, if usable, admits those that present it (None) or a token of it."""
        return token is None or not conditions.broken_rule(token, self.app_ids)

    def caller(self, *, address: str, token: TokenBounds | None = None) -> Caller:
        """Return the caller that presents this key, or a token of it.

        Args:
            address: the caller's network.
            token: what the token says.
        """
        return Caller(
            key_id=self.key_id,
            app_ids=frozenset() if token else frozenset(self.app_ids),
            revision=self.revision,
            address=address,
            token=token,
            key_sources=limits_of(self.allowed_origins, self.allowed_networks),
        )


_SCOPE = "ARRAY(SELECT scope.app_id FROM keys_appkey_apps scope WHERE scope.appkey_id = key.id)"
_KEY_COLUMNS = {
    "revision": "revision.number",
    "key_id": "key.id",
    "secret_hash": "key.secret_hash",
    "secret_check": "key.secret_check",
    "is_usable": usable_sql(),
    "app_ids": _SCOPE,
    "is_stale": "key.last_used_at IS NULL OR key.last_used_at < clock_timestamp() - interval '1 minute'",
    "allowed_origins": "key.allowed_origins",
    "allowed_networks": "key.allowed_networks",
}
_COLUMNS = ", ".join(_KEY_COLUMNS[name] for name in KeyRow._fields)
# Those of TokenConditions: what the token of a usable key still depends on.
_CONDITIONS = f"""extract(epoch FROM clock_timestamp())::float,
    ARRAY(SELECT signer.id FROM keys_tokensigningkey signer WHERE {IS_VALID}),
    (SELECT app.id FROM apps_registry_app app WHERE app.is_default)"""
# This statement also reads the revision, so that a warm request needs no other read.
READ_KEY = f"""
SELECT {_COLUMNS}
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.lookup_id = %s
"""
READ_KEY_OF_TOKEN = f"""
SELECT {_COLUMNS}, {_CONDITIONS}
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.lookup_id = %s
"""
TOUCH_KEY = """
UPDATE keys_appkey SET last_used_at = clock_timestamp()
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
"""

READ_CALLERS = f"""
SELECT {_COLUMNS}, {_CONDITIONS}
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.id = ANY(%s) AND {usable_sql()}
"""

STORE_CHECK = "UPDATE keys_appkey SET secret_check = %s WHERE id = %s AND secret_check IS NULL"

# Two counts: one for the address, one for the id from that address. The second is skipped once the address has reached
# its limit, so made-up ids create no more rows than that. The statement also deletes counts older than a minute.
COUNT_FAILURE = """
WITH over AS (
    DELETE FROM keys_keyfailure WHERE id IN (
        SELECT id FROM keys_keyfailure
        WHERE began_at < clock_timestamp() - interval '2 minutes'
            AND NOT (address = %(address)s AND lookup_id IN ('', %(lookup_id)s))
        LIMIT 100 FOR UPDATE SKIP LOCKED)
), address AS (
    INSERT INTO keys_keyfailure AS failure (lookup_id, address, began_at, count)
    VALUES ('', %(address)s, clock_timestamp(), 1)
    ON CONFLICT (lookup_id, address) DO UPDATE SET
        count = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.count ELSE 0 END + 1,
        began_at = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.began_at
            ELSE clock_timestamp() END
    RETURNING count, began_at
), id AS (
    INSERT INTO keys_keyfailure AS failure (lookup_id, address, began_at, count)
    SELECT %(lookup_id)s, %(address)s, clock_timestamp(), 1 FROM address WHERE count <= %(per_address)s
    ON CONFLICT (lookup_id, address) DO UPDATE SET
        count = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.count ELSE 0 END + 1,
        began_at = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.began_at
            ELSE clock_timestamp() END
    RETURNING count, began_at
)
SELECT address.count, extract(epoch FROM address.began_at + interval '1 minute' - clock_timestamp())::float,
       id.count, extract(epoch FROM id.began_at + interval '1 minute' - clock_timestamp())::float
FROM address LEFT JOIN id ON true
"""

VERIFIED_MAX = 100_000
QUEUE_MAX = 8
FAILURES_PER_MINUTE = 20
ADDRESS_FAILURES_PER_MINUTE = 500
# Verified where there is no key, so that this case takes as long as the others.
DUMMY_HASH = crypto.hash_secret("")


class InvalidKey(Exception):
    """The key or token is malformed, unknown, wrong, revoked or expired; callers cannot learn which.

    `rule` says more to operators.
    """

    def __init__(self, rule: str = "key_not_valid") -> None:
        super().__init__(rule)
        self.rule = rule


class TooManyFailures(Exception):
    """Too many failures for this id from this address, or from this address in total; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = max(1, math.ceil(retry_after))


class VerifierBusy(Exception):
    """Too many first-time keys wait for argon2 in this worker."""


@dataclass(frozen=True, slots=True)
class _Row:
    """The stored columns of the presented key; for an unknown, revoked or expired key, a row that nothing matches."""

    key_id: int | None
    secret_hash: str
    secret_check: str | None


UNMATCHABLE_ROW = _Row(key_id=None, secret_hash=DUMMY_HASH, secret_check="")


@dataclass(frozen=True, slots=True)
class _Block:
    """How long failures are refused immediately, and the check bits of a valid secret for the id ("" if none)."""

    until: float
    secret_check: str = ""

    @property
    def left(self) -> float:
        """Seconds until the block ends."""
        return self.until - time.monotonic()


class _Queue:
    """One argon2 thread, with a bounded number of checks waiting for it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting = 0

    async def matches(self, secret_hash: str, secret: str) -> bool:
        """Whether the hash matches the secret.

        Raises:
            VerifierBusy: too many are waiting.
        """
        if self._waiting >= QUEUE_MAX:
            raise VerifierBusy
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, crypto.verify_secret, secret_hash, secret)
        finally:
            self._waiting -= 1


async def _try_to_write(statement: str, parameters: Sequence[object]) -> None:
    """Write data for later use; a read-only Postgres must not lock out valid keys."""
    try:
        await database.execute(statement, parameters)
    except Exception as error:
        if not is_transient(error):
            raise


class KeyVerifier:
    """Checks keys for one worker process."""

    def __init__(self) -> None:
        self._process_key = secrets.token_bytes(32)
        # fingerprint of a key -> the stored hash that it matched
        self._verified: LRUCache[bytes, str] = LRUCache(VERIFIED_MAX)
        self._blocked_ids: LRUCache[tuple[str, str], _Block] = LRUCache(VERIFIED_MAX)
        self._blocked_addresses: LRUCache[str, _Block] = LRUCache(VERIFIED_MAX)
        self._good, self._guesses = _Queue("argon2"), _Queue("argon2-failures")

    async def anonymous(self, *, address: str) -> Caller:
        """Return the caller of a request without a key; `address` is as for `verify`."""
        rows = await database.read(READ_KEY, [None])
        return Caller(key_id=None, app_ids=frozenset(), revision=KeyRow(*rows[0]).revision, address=address)

    async def verify(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this key.

        Args:
            presented: the unmodified header value.
            address: the client's network: an IPv4 address, or the /64 of an IPv6 address; failures are counted by it.

        Raises:
            InvalidKey: the key does not work.
            TooManyFailures: the key does not work, and its id and address had 20 failures within a minute.
            VerifierBusy: the queue for first-time checks is full.
        """
        parts = crypto.parse_key(presented)
        if parts is None:
            raise InvalidKey
        digest = crypto.fingerprint(parts.plain, process_key=self._process_key)
        self._refuse_guess(parts, digest, address)
        rows = await database.read(READ_KEY, [parts.lookup_id])
        read = KeyRow(*rows[0])
        is_good = read.is_usable and read.key_id is not None
        row = _Row(read.key_id, read.secret_hash, read.secret_check) if is_good else UNMATCHABLE_ROW
        if not await self._matches(parts, digest, row, address):
            self._verified.pop(digest, None)  # a revoked key counts as a guess
            await self._fail(parts, row, address)
        await _touch(read)
        return read.caller(address=address)

    async def verify_token(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this browser token.

        The signature costs microseconds, and no guess of 256 bits succeeds, so failures are not counted.

        Args:
            presented: the unmodified token.
            address: as for `verify`.

        Raises:
            InvalidKey: it does not work, or its key or App no longer does.
        """
        token = await _signed_token(presented)
        rows = await database.read(READ_KEY_OF_TOKEN, [token.lookup_id])
        read, conditions = _split(rows[0])
        if not read.is_usable or read.key_id is None:
            raise InvalidKey("token_key_gone")
        if rule := conditions.broken_rule(token, read.app_ids):
            raise InvalidKey(rule)
        await _touch(read)
        return read.caller(address=address, token=token)

    def _refuse_guess(self, parts: crypto.KeyParts, digest: bytes, address: str) -> None:
        """Refuse a secret for a blocked id without querying the database, if it cannot be the right one."""
        block = self._blocked_ids.get((parts.lookup_id, address))
        if block is None or block.left <= 0 or digest in self._verified:
            return
        if not _passes_check(parts.secret, block.secret_check):
            raise TooManyFailures(block.left)

    async def _matches(self, parts: crypto.KeyParts, digest: bytes, row: _Row, address: str) -> bool:
        if self._verified.get(digest) == row.secret_hash:
            return True
        is_wrong = row.secret_check is not None and not _passes_check(parts.secret, row.secret_check)
        if is_wrong and (block := self._blocked_addresses.get(address)) and block.left > 0:
            return False
        queue = self._guesses if is_wrong or row.secret_check is None else self._good
        if not await queue.matches(row.secret_hash, parts.secret):
            return False
        self._verified[digest] = row.secret_hash
        if row.secret_check is None:
            await _try_to_write(STORE_CHECK, [crypto.secret_check(parts.secret), row.key_id])
        return True

    async def _fail(self, parts: crypto.KeyParts, row: _Row, address: str) -> NoReturn:
        """Count a failed key and refuse it."""
        if (block := self._blocked_addresses.get(address)) and block.left > 0:
            raise TooManyFailures(block.left)
        ((address_count, address_left, id_count, id_left),) = await database.execute(
            COUNT_FAILURE,
            {"lookup_id": parts.lookup_id, "address": address, "per_address": ADDRESS_FAILURES_PER_MINUTE},
        )
        if address_count > ADDRESS_FAILURES_PER_MINUTE:
            self._blocked_addresses[address] = _Block(time.monotonic() + address_left)
            raise TooManyFailures(address_left)
        if id_count > FAILURES_PER_MINUTE:
            if row.secret_check is not None:
                block = _Block(time.monotonic() + id_left, row.secret_check)
                self._blocked_ids[parts.lookup_id, address] = block
            raise TooManyFailures(id_left)
        raise InvalidKey


def _passes_check(secret: str, check: str) -> bool:
    return hmac.compare_digest(crypto.secret_check(secret), check)


async def _touch(read: KeyRow) -> None:
    if read.is_stale:
        await _try_to_write(TOUCH_KEY, [read.key_id])


async def _signed_token(presented: str) -> TokenBounds:
    """Return what a token says that one of our signing keys has signed.

    Raises:
        InvalidKey: it is no token, or none of ours.
    """
    signer_id = signer_of(presented)
    secret = None if signer_id is None else await signing_keys.secret(signer_id)
    if (token := read_token(presented, secret) if secret else None) is None:
        raise InvalidKey("token_not_signed_here")
    return token


def _split(row: TupleRow) -> tuple[KeyRow, TokenConditions]:
    """Return the two parts of a row of _COLUMNS and _CONDITIONS."""
    count = len(KeyRow._fields)
    return KeyRow(*row[:count]), TokenConditions(*row[count:])


async def callers_now(callers: Collection[Caller]) -> dict[Caller, Caller]:
    """Return these callers as they are now, each where it called from; the caller without a key is always included.

    Missing are callers whose key was revoked, deleted or has expired, and those whose browser token no longer works.
    """
    key_ids = list({caller.key_id for caller in callers if caller.key_id is not None})
    rows = [_split(row) for row in await database.read(READ_CALLERS, [key_ids])]
    by_key_id = {read.key_id: read for read, _ in rows}
    revision, conditions = rows[0][0].revision, rows[0][1]
    now = {}
    for caller in callers:
        if caller.key_id is None:
            now[caller] = replace(caller, revision=revision)
        elif (read := by_key_id.get(caller.key_id)) is not None and read.admits(caller.token, conditions):
            now[caller] = replace(read.caller(address=caller.address, token=caller.token), source=caller.source)
    return now


verifier = KeyVerifier()
