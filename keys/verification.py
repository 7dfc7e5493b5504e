"""Deciding what a presented key may do: one indexed read a request, argon2 once per key and process."""

import asyncio
import math
import secrets
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cachetools import LRUCache

from apps_registry import database
from apps_registry.database_errors import may_pass
from keys import crypto

# The revision comes along, so that a warm request reads nothing else.
READ_KEY = """
SELECT revision.number, key.id, key.secret_hash,
       key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > clock_timestamp()),
       ARRAY(SELECT scope.app_id FROM keys_appkey_apps scope WHERE scope.appkey_id = key.id),
       key.last_used_at IS NULL OR key.last_used_at < clock_timestamp() - interval '1 minute'
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.lookup_id = %s
"""
TOUCH_KEY = """
UPDATE keys_appkey SET last_used_at = clock_timestamp()
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
"""

READ_SCOPES = """
SELECT key.id, ARRAY(SELECT scope.app_id FROM keys_appkey_apps scope WHERE scope.appkey_id = key.id)
FROM keys_appkey key
WHERE key.id = ANY(%s) AND key.revoked_at IS NULL
    AND (key.expires_at IS NULL OR key.expires_at > clock_timestamp())
"""

READ_FAILURES = """
SELECT count, ceil(extract(epoch FROM began_at + interval '1 minute' - clock_timestamp()))::int
FROM keys_keyfailure
WHERE lookup_id = %(lookup_id)s AND address = %(address)s AND began_at > clock_timestamp() - interval '1 minute'
"""
# Those whose minute is over go along, so that the table holds what counts and little more.
COUNT_FAILURE = """
WITH over AS (
    DELETE FROM keys_keyfailure WHERE id IN (
        SELECT id FROM keys_keyfailure
        WHERE began_at < clock_timestamp() - interval '2 minutes' AND lookup_id <> %(lookup_id)s
        LIMIT 100 FOR UPDATE SKIP LOCKED)
)
INSERT INTO keys_keyfailure AS failure (lookup_id, address, began_at, count)
VALUES (%(lookup_id)s, %(address)s, clock_timestamp(), 1)
ON CONFLICT (lookup_id, address) DO UPDATE SET
    count = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.count ELSE 0 END + 1,
    began_at = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.began_at
        ELSE clock_timestamp() END
RETURNING count, ceil(extract(epoch FROM began_at + interval '1 minute' - clock_timestamp()))::int
"""

VERIFIED_MAX = 100_000
QUEUE_MAX = 8
FAILURES_PER_MINUTE = 20


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the App key, if any, and the registry's revision at this moment.

    Attributes:
        key_id: the AppKey's id; None without a key.
        app_ids: the Apps in the key's scope.
        revision: what `apps_registry.configs` wants to know.
    """

    key_id: int | None
    app_ids: frozenset[int]
    revision: int


class InvalidKey(Exception):
    """The key is malformed, unknown, wrong, revoked or expired; nobody learns which."""


class TooManyFailures(Exception):
    """Too many wrong secrets for this key id from this address; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class VerifierBusy(Exception):
    """More first-time keys wait for argon2 than this worker takes on."""


async def _touch(key_id: int) -> None:
    """Note that a key is used; a Postgres that takes no writes now must not close it to readers."""
    try:
        await database.execute(TOUCH_KEY, [key_id])
    except Exception as error:
        if not may_pass(error):
            raise


class KeyVerifier:
    """Checks keys for one worker process."""

    def __init__(self) -> None:
        self._process_key = secrets.token_bytes(32)
        # fingerprint of a key -> the stored hash that it was found to match
        self._verified: LRUCache[bytes, str] = LRUCache(VERIFIED_MAX)
        # (key id, address) that may not try before so long; a flood then costs no statement each
        self._blocked_until: LRUCache[tuple[str, str], float] = LRUCache(VERIFIED_MAX)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._waiting = 0

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
            TooManyFailures: after 20 wrong secrets a minute for one id and address, on whichever workers.
            VerifierBusy: the queue for first-time checks is full.
        """
        parts = crypto.parse_key(presented)
        if parts is None:
            raise InvalidKey
        rows = await database.read(READ_KEY, [parts.lookup_id])
        revision, key_id, secret_hash, is_usable, app_ids, is_stale = rows[0]
        if key_id is None or not await self._matches(parts, secret_hash, address) or not is_usable:
            raise InvalidKey
        if is_stale:
            await _touch(key_id)
        return Caller(key_id=key_id, app_ids=frozenset(app_ids), revision=revision)

    async def _matches(self, parts: crypto.KeyParts, secret_hash: str, address: str) -> bool:
        mark = crypto.fingerprint(parts.plain, process_key=self._process_key)
        if self._verified.get(mark) == secret_hash:
            return True
        who = (parts.lookup_id, address)
        await self._check_failures(who, FAILURES_PER_MINUTE - 1, READ_FAILURES)
        if await self._argon2(secret_hash, parts.secret):
            self._verified[mark] = secret_hash
            return True
        await self._check_failures(who, FAILURES_PER_MINUTE, COUNT_FAILURE)
        return False

    async def _check_failures(self, who: tuple[str, str], allowed: int, statement: str) -> None:
        """Refuse whoever has failed more often than is allowed."""
        left = self._blocked_until.get(who, 0.0) - time.monotonic()
        if left > 0:
            raise TooManyFailures(retry_after=math.ceil(left))
        rows = await database.execute(statement, {"lookup_id": who[0], "address": who[1]})
        if rows and rows[0][0] > allowed:
            self._blocked_until[who] = time.monotonic() + rows[0][1]
            raise TooManyFailures(retry_after=max(1, rows[0][1]))

    async def _argon2(self, secret_hash: str, secret: str) -> bool:
        if self._waiting >= QUEUE_MAX:
            raise VerifierBusy
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, crypto.verify_secret, secret_hash, secret)
        finally:
            self._waiting -= 1


async def usable_scopes(key_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the Apps that each of these keys opens now; a key that opens nothing any more is missing."""
    rows = await database.read(READ_SCOPES, [list(key_ids)])
    return {key_id: frozenset(app_ids) for key_id, app_ids in rows}


verifier = KeyVerifier()
