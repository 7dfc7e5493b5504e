"""Counts failed keys, and blocks ids and addresses with too many failures.

The counts are in Postgres, for all workers; a worker remembers its blocks, so that a flood costs few statements.
"""

import asyncio
import math
import time
from dataclasses import dataclass
from typing import NoReturn

from cachetools import LRUCache

from apps_registry.support import database

# Two counts: one for the address, one for the id from that address. The second is skipped once the address has reached
# its limit, so made-up ids create no more rows than that. The statement also deletes counts older than a minute. It
# does not wait for the disk: a crash may lose a few counts, but all guesses from an address wait for the same row.
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

# Each takes about 400 bytes. Made-up ids fill it, and a forgotten block only costs a statement.
BLOCKS_MAX = 20_000
FAILURES_PER_MINUTE = 20
ADDRESS_FAILURES_PER_MINUTE = 500
# How many failures of this worker are counted at a time, and how many may wait for that. A flood must not take all
# connections of the pool.
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
    """In this worker, too many new keys wait for argon2, or too many failures wait to be counted."""


@dataclass(frozen=True, slots=True)
class Block:
    """What a worker remembers of a blocked id.

    Attributes:
        until: when the block ends; `time.monotonic()`.
        secret_check: the check bits of a valid secret for the id, "" if there is none.
        failure: why the last attempt failed.
        rule: the limit that blocks.
    """

    until: float
    secret_check: str
    failure: InvalidKey
    rule: str

    @property
    def left(self) -> float:
        """Seconds until the block ends."""
        return self.until - time.monotonic()


class KeyFailures:
    """The failures that one worker counts, and its blocks."""

    def __init__(self) -> None:
        self._blocked_ids: LRUCache[tuple[str, str], Block] = LRUCache(BLOCKS_MAX)
        self._blocked_addresses: LRUCache[str, float] = LRUCache(BLOCKS_MAX)
        self._counting, self._to_count = asyncio.Semaphore(COUNTED_AT_ONCE), 0

    @property
    def blocks_any(self) -> bool:
        """Whether any id is remembered as blocked; the block may have ended."""
        return bool(self._blocked_ids)

    def block_of(self, lookup_id: str, address: str) -> Block | None:
        """Return the block of an id for an address, if there is one now."""
        block = self._blocked_ids.get((lookup_id, address))
        return block if block is not None and block.left > 0 else None

    async def refuse(self, lookup_id: str, address: str, failure: InvalidKey, *, secret_check: str | None) -> NoReturn:
        """Count a failed key and refuse it.

        Args:
            lookup_id: the presented id.
            address: the caller's network.
            failure: why the key does not work.
            secret_check: the check bits of a valid secret for the id, "" if there is none; None if they are not known
                yet: then the id is not blocked, because a block could not distinguish its holder from a guesser.

        Raises:
            InvalidKey: the failure.
            TooManyFailures: there were too many failures before it.
            VerifierBusy: too many wait to be counted.
        """
        if (left := self._blocked_addresses.get(address, -math.inf) - time.monotonic()) > 0:
            self._refuse((lookup_id, address), left, "key_failures_of_address", failure, secret_check)
        address_count, address_left, id_count, id_left = await self._count_failure(lookup_id, address)
        if address_count > ADDRESS_FAILURES_PER_MINUTE:
            self._blocked_addresses[address] = time.monotonic() + address_left
            self._refuse((lookup_id, address), address_left, "key_failures_of_address", failure, secret_check)
        if id_count > FAILURES_PER_MINUTE:
            self._refuse((lookup_id, address), id_left, "key_failures_of_id", failure, secret_check)
        raise failure

    def _refuse(
        self, blocked: tuple[str, str], left: float, rule: str, failure: InvalidKey, secret_check: str | None
    ) -> NoReturn:
        """Remember the block, so that the next guess at this id costs no statement, and refuse."""
        if secret_check is not None:
            self._blocked_ids[blocked] = Block(time.monotonic() + left, secret_check, failure, rule)
        raise TooManyFailures(left, rule, failure)

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
