"""Counts failed keys in Postgres, for all workers: the failures of an address within a moment with one statement."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from psycopg.rows import TupleRow

from apps_registry.support import database

# Two kinds of counts: one for the address, one for each id from that address. The second is skipped once the address
# has reached its limit, so made-up ids create few more rows than that. The statement also deletes counts older than a
# minute. It does not wait for the disk: a crash may lose a few counts, but all guesses from an address wait for the
# same row. This row is locked first, so two workers cannot wait for each other.
COUNT_FAILURES = """
WITH hurry AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), over AS (
    DELETE FROM keys_keyfailure WHERE id IN (
        SELECT id FROM keys_keyfailure
        WHERE began_at < clock_timestamp() - interval '2 minutes'
            AND NOT (address = %(address)s AND (lookup_id = '' OR lookup_id = ANY(%(lookup_ids)s::text[])))
        LIMIT 100 FOR UPDATE SKIP LOCKED)
), failed AS (
    SELECT * FROM unnest(%(lookup_ids)s::text[], %(counts)s::int[]) AS failed (lookup_id, count)
), address AS (
    INSERT INTO keys_keyfailure AS failure (lookup_id, address, began_at, count)
    VALUES ('', %(address)s, clock_timestamp(), %(total)s)
    ON CONFLICT (lookup_id, address) DO UPDATE SET
        count = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.count ELSE 0 END
            + excluded.count,
        began_at = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.began_at
            ELSE clock_timestamp() END
    RETURNING count, began_at
), id AS (
    INSERT INTO keys_keyfailure AS failure (lookup_id, address, began_at, count)
    SELECT failed.lookup_id, %(address)s, clock_timestamp(), failed.count FROM failed CROSS JOIN address
    WHERE address.count - %(total)s < %(per_address)s
    ON CONFLICT (lookup_id, address) DO UPDATE SET
        count = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.count ELSE 0 END
            + excluded.count,
        began_at = CASE WHEN failure.began_at > clock_timestamp() - interval '1 minute' THEN failure.began_at
            ELSE clock_timestamp() END
    RETURNING lookup_id, count, began_at
)
SELECT failed.lookup_id,
       address.count, extract(epoch FROM address.began_at + interval '1 minute' - clock_timestamp())::float,
       id.count, extract(epoch FROM id.began_at + interval '1 minute' - clock_timestamp())::float
FROM hurry CROSS JOIN address CROSS JOIN failed LEFT JOIN id ON id.lookup_id = failed.lookup_id
"""

ADDRESS_FAILURES_PER_MINUTE = 500
# How long failures of an address are collected, in seconds: well within the time that every failure takes
# (FAILURE_SECONDS in keys/verification.py), so that nobody waits for it.
COLLECT_SECONDS = 0.01
# How many statements count at a time, and how many failures of this worker may wait for them. A flood must not take all
# connections of the pool.
COUNTED_AT_ONCE = 2
COUNTS_WAITING_MAX = 256


class VerifierBusy(Exception):
    """In this worker, too many new keys wait for argon2, or too many failures wait to be counted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Which failure of its minute one is, across all workers.

    Attributes:
        of_address: its number among the failures of the address.
        address_left: seconds until the address's minute is over.
        of_id: its number among the failures of the id from the address; 0 if these are no longer counted.
        id_left: seconds until their minute is over.
    """

    of_address: int
    address_left: float
    of_id: int
    id_left: float


@dataclass(slots=True)
class _Batch:
    """Failures of one address that are counted together."""

    lookup_ids: list[str] = field(default_factory=list)
    counted: "asyncio.Task[dict[str, TupleRow]] | None" = None


class FailureCounts:
    """The failures of one worker on their way to Postgres."""

    def __init__(self) -> None:
        self._open: dict[str, _Batch] = {}
        self._counting, self._waiting = asyncio.Semaphore(COUNTED_AT_ONCE), 0

    async def count(self, lookup_id: str, address: str) -> Counts:
        """Count a failure and return its numbers; each failure has its own.

        Args:
            lookup_id: the presented id.
            address: the caller's network.

        Raises:
            VerifierBusy: too many wait to be counted.
            psycopg.Error: Postgres could not count it.
        """
        if self._waiting >= COUNTS_WAITING_MAX:
            raise VerifierBusy
        batch = self._open.get(address) or self._begin(address)
        batch.lookup_ids.append(lookup_id)
        position, of_id = len(batch.lookup_ids), batch.lookup_ids.count(lookup_id)
        self._waiting += 1
        try:
            assert batch.counted is not None  # noqa: S101 - `_begin` sets it
            rows = await asyncio.shield(batch.counted)  # a caller that disconnects takes no other's answer along
        finally:
            self._waiting -= 1
        _, address_count, address_left, id_count, id_left = rows[lookup_id]
        # The row has the count after the whole batch.
        later, later_of_id = len(batch.lookup_ids) - position, batch.lookup_ids.count(lookup_id) - of_id
        return Counts(address_count - later, address_left, (id_count or later_of_id) - later_of_id, id_left or 0.0)

    def _begin(self, address: str) -> _Batch:
        batch = self._open[address] = _Batch()
        batch.counted = asyncio.create_task(self._write(address, batch), name="count-failures")
        batch.counted.add_done_callback(_retrieve)
        return batch

    async def _write(self, address: str, batch: _Batch) -> dict[str, TupleRow]:
        await asyncio.sleep(COLLECT_SECONDS)
        async with self._counting:
            del self._open[address]  # what fails from now on is counted by the next statement
            by_id = Counter(batch.lookup_ids)
            parameters = {
                "address": address,
                "lookup_ids": list(by_id),
                "counts": list(by_id.values()),
                "total": by_id.total(),
                "per_address": ADDRESS_FAILURES_PER_MINUTE,
            }
            return {row[0]: row for row in await database.execute(COUNT_FAILURES, parameters)}


def _retrieve(counted: "asyncio.Task[dict[str, TupleRow]]") -> None:
    """Look at a failed batch, since asyncio complains if all its callers have disconnected."""
    if not counted.cancelled():
        counted.exception()
