"""Deciding what a presented key may do: one indexed read a request, argon2 once per key and process.

A key that opens nothing costs and says the same, whether its id is unknown, its secret wrong, or the key revoked or
expired: a run of argon2 in the queue of failures, one count for its id and address, and 401, or 429 once there are too
many. The throttle governs these answers, never a good key: a guesser behind the same proxy locks nobody out.

Two checks tell a good key from a guess before argon2 runs. Keys that this worker has verified are known by a keyed
digest. For the others, a few bits of a digest are stored next to the hash: a secret that fits them is checked in a
queue of its own, which guesses do not reach; one that does not can only fail. While an id is blocked for an address,
the bits are remembered, so a flood costs no statement, and yet the holder's key is read and passes. A key of an earlier
release has no such bits until it is first verified: until then each guess at it is read and checked, in the queue of
failures, since to block it would lock its holder out.
"""

import asyncio
import hmac
import math
import secrets
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn

from cachetools import LRUCache

from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from keys import crypto
from keys.callers import Caller
from keys.usability import usable_sql

# The revision comes along, so that a warm request reads nothing else.
READ_KEY = f"""
SELECT revision.number, key.id, key.secret_hash, key.secret_check,
       {usable_sql()},
       ARRAY(SELECT scope.app_id FROM keys_appkey_apps scope WHERE scope.appkey_id = key.id),
       key.last_used_at IS NULL OR key.last_used_at < clock_timestamp() - interval '1 minute'
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.lookup_id = %s
"""
TOUCH_KEY = """
UPDATE keys_appkey SET last_used_at = clock_timestamp()
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
"""

READ_CALLERS = f"""
SELECT revision.number, key.id, ARRAY(SELECT scope.app_id FROM keys_appkey_apps scope WHERE scope.appkey_id = key.id)
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.id = ANY(%s) AND {usable_sql()}
"""

STORE_CHECK = "UPDATE keys_appkey SET secret_check = %s WHERE id = %s AND secret_check IS NULL"

# Two counts: for the address, and for the id from it. The second is left out where the address has used up its own:
# made-up ids leave no more rows than that. Those whose minute is over go along, so that the table holds what counts.
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
# What is compared where there is no key, so that it takes as long.
NOBODYS_HASH = crypto.hash_secret("")


class InvalidKey(Exception):
    """The key is malformed, unknown, wrong, revoked or expired; nobody learns which."""


class TooManyFailures(Exception):
    """Too many keys that open nothing for this id, or at all, from this address; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = max(1, math.ceil(retry_after))


class VerifierBusy(Exception):
    """More first-time keys wait for argon2 than this worker takes on."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is stored of the key with the presented id; of no key, or one that is over, a row that nothing fits."""

    key_id: int | None
    secret_hash: str
    secret_check: str | None


NOBODY = _Row(key_id=None, secret_hash=NOBODYS_HASH, secret_check="")


@dataclass(frozen=True, slots=True)
class _Block:
    """Until when failures are answered at once, and the bits that a good secret for the id has; "": there is none."""

    until: float
    secret_check: str = ""

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.monotonic()


class _Queue:
    """One thread of argon2, and a bounded number of checks that wait for it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting = 0

    async def matches(self, secret_hash: str, secret: str) -> bool:
        """Whether the hash was made of the secret.

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


async def _note(statement: str, parameters: Sequence[object]) -> None:
    """Write what is of use later; a Postgres that takes no writes now must not close a key to readers."""
    try:
        await database.execute(statement, parameters)
    except Exception as error:
        if not is_transient(error):
            raise


class KeyVerifier:
    """Checks keys for one worker process."""

    def __init__(self) -> None:
        self._process_key = secrets.token_bytes(32)
        # fingerprint of a key -> the stored hash that it was found to match
        self._verified: LRUCache[bytes, str] = LRUCache(VERIFIED_MAX)
        self._blocked_ids: LRUCache[tuple[str, str], _Block] = LRUCache(VERIFIED_MAX)
        self._blocked_addresses: LRUCache[str, _Block] = LRUCache(VERIFIED_MAX)
        self._good, self._guesses = _Queue("argon2"), _Queue("argon2-failures")

    async def anonymous(self) -> Caller:
        """Return the caller of a request without a key."""
        rows = await database.read(READ_KEY, [None])
        return Caller(key_id=None, app_ids=frozenset(), revision=rows[0][0])

    async def verify(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this key.

        Args:
            presented: the header's value, as it came.
            address: the client's network address, under which failures are counted.

        Raises:
            InvalidKey: it does not open anything.
            TooManyFailures: the same, after 20 such keys a minute for one id and address, on any workers.
            VerifierBusy: the queue for first-time checks is full.
        """
        parts = crypto.parse_key(presented)
        if parts is None:
            raise InvalidKey
        mark = crypto.fingerprint(parts.plain, process_key=self._process_key)
        self._refuse_guess(parts, mark, address)
        rows = await database.read(READ_KEY, [parts.lookup_id])
        revision, key_id, secret_hash, check, is_usable, app_ids, is_stale = rows[0]
        row = _Row(key_id, secret_hash, check) if is_usable and key_id is not None else NOBODY
        if not await self._matches(parts, mark, row, address):
            self._verified.pop(mark, None)  # a revoked key is a guess like any other
            await self._fail(parts, row, address)
        if is_stale:
            await _note(TOUCH_KEY, [key_id])
        return Caller(key_id=key_id, app_ids=frozenset(app_ids), revision=revision)

    def _refuse_guess(self, parts: crypto.KeyParts, mark: bytes, address: str) -> None:
        """Refuse, without a look at the database, a secret for a blocked id that cannot be the right one."""
        block = self._blocked_ids.get((parts.lookup_id, address))
        if block is None or block.left <= 0 or mark in self._verified:
            return
        if not _fits(parts.secret, block.secret_check):
            raise TooManyFailures(block.left)

    async def _matches(self, parts: crypto.KeyParts, mark: bytes, row: _Row, address: str) -> bool:
        if self._verified.get(mark) == row.secret_hash:
            return True
        is_wrong = row.secret_check is not None and not _fits(parts.secret, row.secret_check)
        if is_wrong and (block := self._blocked_addresses.get(address)) and block.left > 0:
            return False
        queue = self._guesses if is_wrong or row.secret_check is None else self._good
        if not await queue.matches(row.secret_hash, parts.secret):
            return False
        self._verified[mark] = row.secret_hash
        if row.secret_check is None:
            await _note(STORE_CHECK, [crypto.secret_check(parts.secret), row.key_id])
        return True

    async def _fail(self, parts: crypto.KeyParts, row: _Row, address: str) -> NoReturn:
        """Count a key that opens nothing, and refuse it."""
        if (block := self._blocked_addresses.get(address)) and block.left > 0:
            raise TooManyFailures(block.left)
        ((of_address, address_left, of_id, id_left),) = await database.execute(
            COUNT_FAILURE,
            {"lookup_id": parts.lookup_id, "address": address, "per_address": ADDRESS_FAILURES_PER_MINUTE},
        )
        if of_address > ADDRESS_FAILURES_PER_MINUTE:
            self._blocked_addresses[address] = _Block(time.monotonic() + address_left)
            raise TooManyFailures(address_left)
        if of_id > FAILURES_PER_MINUTE:
            if row.secret_check is not None:
                block = _Block(time.monotonic() + id_left, row.secret_check)
                self._blocked_ids[parts.lookup_id, address] = block
            raise TooManyFailures(id_left)
        raise InvalidKey


def _fits(secret: str, check: str) -> bool:
    return hmac.compare_digest(crypto.secret_check(secret), check)


async def callers_now(key_ids: Collection[int | None]) -> dict[int | None, Caller]:
    """Return as whom these keys are known now; None is the caller without a key, who is always there.

    A key that was revoked, has expired or was deleted is missing.
    """
    rows = await database.read(READ_CALLERS, [[key_id for key_id in key_ids if key_id is not None]])
    callers: dict[int | None, Caller] = {None: Caller(None, frozenset(), revision=rows[0][0])}
    return callers | {
        key_id: Caller(key_id, frozenset(app_ids), revision) for revision, key_id, app_ids in rows if key_id is not None
    }


verifier = KeyVerifier()
