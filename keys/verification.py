"""Verifies presented keys: one indexed read per request, argon2 once per key and process.

All failures have the same cost and the same response, whether the id is unknown, the secret is wrong, or the key is
revoked, expired or a canary: one read, one count for the id and address, and 401, or 429 after too many, and never
sooner than FAILURE_SECONDS. Throttling affects only failures, never a valid key: a guesser behind the same proxy locks
no one out.

Two checks separate valid keys from guesses before argon2 runs. Keys that this worker has verified are known by a keyed
digest. For the others, a few bits of a digest are stored next to the hash: only a secret that matches them goes to
argon2; any other is certain to fail. While an id is blocked for an address, the worker remembers these bits, so a flood
costs no statement, and the holder's key still passes. A key from an earlier version has no such bits until it is first
verified: until then, each guess is read and checked by argon2 in a queue of its own, because blocking would lock its
holder out.

Why a key failed is in the exception for the record of the refusal (`keys/refusals/`); no response shows it.
"""

import asyncio
import hmac
import math
import secrets
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn

from cachetools import LRUCache

from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from keys import crypto
from keys.callers import Caller
from keys.last_use import key_uses
from keys.reading import READ_KEY, READ_KEY_OF_TOKEN, KeyRow, split
from keys.tokens.bounds import TokenBounds
from keys.tokens.signing_keys import signing_keys
from keys.tokens.text import read_token, signer_of

STORE_CHECK = "UPDATE keys_appkey SET secret_check = %s WHERE id = %s AND secret_check IS NULL"

# Two counts: one for the address, one for the id from that address. The second is skipped once the address has reached
# its limit, so made-up ids create no more rows than that. The statement also deletes counts older than a minute. It
# does not wait for the disk: a crash loses a few counts, but all guesses from an address wait for one row meanwhile.
COUNT_FAILURE = """
WITH hurry AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), over AS (
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
FROM hurry CROSS JOIN address LEFT JOIN id ON true
"""

VERIFIED_MAX = 100_000
QUEUE_MAX = 8
FAILURES_PER_MINUTE = 20
ADDRESS_FAILURES_PER_MINUTE = 500
# A failure is answered no sooner than this after its start, in seconds. What differs between the kinds of failure (a
# row found or not, argon2 for keys of an earlier version) takes about a millisecond and disappears in it.
FAILURE_SECONDS = 0.025
# How many failures of this worker are counted at a time, so that a flood leaves the pool's connections to others; and
# how many may wait for that.
COUNTED_AT_ONCE = 2
COUNTS_WAITING_MAX = 64


class InvalidKey(Exception):
    """The key or token is malformed, unknown, wrong, revoked, expired or a canary; callers cannot learn which.

    Attributes:
        rule: which of these, for operators.
        key_id: the AppKey with the presented id, if there is one.
        canary_id: the CanaryKey with the presented id, if there is one.
    """

    def __init__(self, rule: str = "key_malformed", key_id: int | None = None, canary_id: int | None = None) -> None:
        super().__init__(rule)
        self.rule, self.key_id, self.canary_id = rule, key_id, canary_id


class TooManyFailures(Exception):
    """Too many failures for this id from this address, or from this address in total.

    Attributes:
        retry_after: seconds until the next attempt is checked.
        rule: which of the two limits, for operators.
        cause: why this attempt failed, or an earlier one with the same id.
    """

    def __init__(self, retry_after: float, rule: str, cause: InvalidKey) -> None:
        super().__init__(retry_after)
        self.retry_after, self.rule, self.cause = max(1, math.ceil(retry_after)), rule, cause


class VerifierBusy(Exception):
    """Too many first-time keys wait for argon2, or too many failures to be counted, in this worker."""


@dataclass(frozen=True, slots=True)
class _Row:
    """The stored columns of the presented key; for an unknown, revoked or expired key, a row that nothing matches."""

    key_id: int | None
    secret_hash: str
    secret_check: str | None
    failure: InvalidKey


def _row_for(read: KeyRow) -> _Row:
    """Return the row to compare a secret with; nothing matches it if there is no key or the key is not usable."""
    if read.canary_id is not None:
        rule = "key_canary"
    elif read.key_id is None:
        rule = "key_unknown"
    elif read.is_usable:
        failure = InvalidKey("key_wrong_secret", read.key_id)
        return _Row(read.key_id, read.secret_hash, read.secret_check, failure)
    else:
        rule = "key_revoked" if read.is_revoked else "key_expired"
    failure = InvalidKey(rule, read.key_id, read.canary_id)
    return _Row(None, secret_hash="", secret_check="", failure=failure)


@dataclass(frozen=True, slots=True)
class _Block:
    """How long failures are refused immediately, and the check bits of a valid secret for the id ("" if none)."""

    until: float
    secret_check: str
    failure: InvalidKey

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
        self._blocked_addresses: LRUCache[str, float] = LRUCache(VERIFIED_MAX)
        self._good, self._guesses = _Queue("argon2"), _Queue("argon2-failures")
        self._counting, self._to_count = asyncio.Semaphore(COUNTED_AT_ONCE), 0

    async def anonymous(self, *, address: str) -> Caller:
        """Return the caller of a request without a key; `address` is as for `verify`."""
        rows = await database.read(READ_KEY, {"lookup_id": None})
        return Caller(key_id=None, app_ids=frozenset(), revision=KeyRow(*rows[0]).revision, address=address)

    async def verify(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this key.

        Args:
            presented: the unmodified header value.
            address: the client's network: an IPv4 address, or the /64 of an IPv6 address; failures are counted by it.

        Raises:
            InvalidKey: the key does not work.
            TooManyFailures: the key does not work, and its id and address had 20 failures within a minute.
            VerifierBusy: the queue for first-time checks is full, or that of failures.
        """
        parts = crypto.parse_key(presented)
        if parts is None:
            raise InvalidKey
        return await _failing_in_equal_time(self._verified_caller(parts, address))

    async def _verified_caller(self, parts: crypto.KeyParts, address: str) -> Caller:
        digest = crypto.fingerprint(parts.plain, process_key=self._process_key)
        self._refuse_guess(parts, digest, address)
        rows = await database.read(READ_KEY, {"lookup_id": parts.lookup_id})
        read = KeyRow(*rows[0])
        row = _row_for(read)
        if not await self._matches(parts, digest, row):
            self._verified.pop(digest, None)  # a revoked key counts as a guess
            await self._fail(parts, row, address)
        return _used(read.caller(address=address), read)

    async def verify_token(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this browser token.

        The signature costs microseconds, and no guess of 256 bits succeeds, so failures are not counted.

        Args:
            presented: the unmodified token.
            address: as for `verify`.

        Raises:
            InvalidKey: it does not work, or its key or App no longer does.
        """
        return await _failing_in_equal_time(_caller_of_token(presented, address))

    def _refuse_guess(self, parts: crypto.KeyParts, digest: bytes, address: str) -> None:
        """Refuse a secret for a blocked id without querying the database, if it cannot be the right one."""
        block = self._blocked_ids.get((parts.lookup_id, address))
        if block is None or block.left <= 0 or digest in self._verified:
            return
        if not _passes_check(parts.secret, block.secret_check):
            raise TooManyFailures(block.left, "key_failures_of_id", block.failure)

    async def _matches(self, parts: crypto.KeyParts, digest: bytes, row: _Row) -> bool:
        if self._verified.get(digest) == row.secret_hash:
            return True
        if row.secret_check is not None and not _passes_check(parts.secret, row.secret_check):
            return False
        queue = self._guesses if row.secret_check is None else self._good
        if not await queue.matches(row.secret_hash, parts.secret):
            return False
        self._verified[digest] = row.secret_hash
        if row.secret_check is None:
            await _try_to_write(STORE_CHECK, [crypto.secret_check(parts.secret), row.key_id])
        return True

    async def _fail(self, parts: crypto.KeyParts, row: _Row, address: str) -> NoReturn:
        """Count a failed key and refuse it."""
        if (left := self._blocked_addresses.get(address, -math.inf) - time.monotonic()) > 0:
            raise TooManyFailures(left, "key_failures_of_address", row.failure)
        address_count, address_left, id_count, id_left = await self._count_failure(parts.lookup_id, address)
        if address_count > ADDRESS_FAILURES_PER_MINUTE:
            self._blocked_addresses[address] = time.monotonic() + address_left
            raise TooManyFailures(address_left, "key_failures_of_address", row.failure)
        if id_count > FAILURES_PER_MINUTE:
            if row.secret_check is not None:
                block = _Block(time.monotonic() + id_left, row.secret_check, row.failure)
                self._blocked_ids[parts.lookup_id, address] = block
            raise TooManyFailures(id_left, "key_failures_of_id", row.failure)
        raise row.failure

    async def _count_failure(self, lookup_id: str, address: str) -> tuple[int, float, int, float]:
        """Count a failure across all workers; return count and seconds left, of the address and of the id from it.

        Raises:
            VerifierBusy: too many wait to be counted.
        """
        if self._to_count >= COUNTS_WAITING_MAX:
            raise VerifierBusy
        self._to_count += 1
        try:
            async with self._counting:
                parameters = {"lookup_id": lookup_id, "address": address, "per_address": ADDRESS_FAILURES_PER_MINUTE}
                ((address_count, address_left, id_count, id_left),) = await database.execute(COUNT_FAILURE, parameters)
        finally:
            self._to_count -= 1
        return address_count, address_left, id_count, id_left


async def _failing_in_equal_time(check: Awaitable[Caller]) -> Caller:
    """Return what a check returns; delay its failure until FAILURE_SECONDS after its start."""
    started = time.monotonic()
    try:
        return await check
    except (InvalidKey, TooManyFailures):
        await asyncio.sleep(started + FAILURE_SECONDS - time.monotonic())
        raise


async def _caller_of_token(presented: str, address: str) -> Caller:
    token = await _signed_token(presented)
    rows = await database.read(READ_KEY_OF_TOKEN, {"lookup_id": token.lookup_id})
    read, conditions = split(rows[0])
    if not read.is_usable or read.key_id is None:
        raise InvalidKey("token_key_gone", read.key_id)
    if rule := conditions.broken_rule(token, read.app_ids):
        raise InvalidKey(rule, read.key_id)
    return _used(read.caller(address=address, token=token), read)


def _passes_check(secret: str, check: str) -> bool:
    return hmac.compare_digest(crypto.secret_check(secret), check)


def _used(caller: Caller, read: KeyRow) -> Caller:
    """Note the use of a key, if its time is to be written, and return its caller."""
    if read.is_stale and read.key_id is not None:
        key_uses.note(read.key_id, caller.address)
    return caller


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


verifier = KeyVerifier()
