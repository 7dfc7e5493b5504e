"""Writes refused calls in batches, in the background, and removes old ones."""

import logging
from collections.abc import Sequence

import orjson
from django.conf import settings

from apps_registry.support import database
from apps_registry.support.forever import forever
from apps_registry.support.metrics import CANARY_USES
from keys.refusals.recorder import RefusedCall, recorder

logger = logging.getLogger("aomi.refusals")

WRITE_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
# During a long flood, the oldest rows are removed early.
MAX_ROWS = 1_000_000
BATCH = 5_000

INSERT = """
INSERT INTO keys_refusal
    (id, at, request_id, status, code, rule, key_id, app, address, method, path, facts, count)
SELECT id, to_timestamp(at), request_id, status, code, rule, key_id, app, address, method, path, facts::jsonb, count
FROM unnest(%s::bigint[], %s::float[], %s::uuid[], %s::int[], %s::text[], %s::text[], %s::bigint[], %s::text[],
            %s::text[], %s::text[], %s::text[], %s::text[], %s::int[])
    AS refused (id, at, request_id, status, code, rule, key_id, app, address, method, path, facts, count)
ON CONFLICT DO NOTHING
"""
COUNT_CANARY = """
UPDATE keys_canarykey SET use_count = use_count + 1, last_used_at = to_timestamp(%s), last_used_from = %s WHERE id = %s
"""
PRUNE = """
WITH doomed AS (
    SELECT id FROM keys_refusal
    WHERE id < (extract(epoch FROM clock_timestamp() - make_interval(days => %(days)s)) * 1000000)::bigint * 1024
        OR id <= (SELECT id FROM keys_refusal ORDER BY id DESC OFFSET %(max_rows)s LIMIT 1)
    ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
DELETE FROM keys_refusal WHERE id IN (SELECT id FROM doomed) RETURNING 1
"""


async def write_refusals_forever() -> None:
    """Write the pending refusals once a second."""
    await forever("write-refusals", write_pending, every=WRITE_SECONDS)


async def write_pending(*, everything: bool = False) -> None:
    """Write what is pending; if that fails, keep it for the next round.

    Args:
        everything: also the counts of the running minute, because the worker stops.
    """
    rows = recorder.take(everything=everything)
    if not rows:
        return
    try:
        await database.execute(INSERT, _columns(rows))
    except Exception:
        recorder.put_back(rows)
        raise
    for _, call in rows:
        if call.canary_id is not None:
            await _report_canary(call)


async def _report_canary(call: RefusedCall) -> None:
    """Log and count the use of a canary key. Not during the request: its duration would reveal the canary."""
    CANARY_USES.inc()
    line = "canary key no. %d was used from %s id=%s"
    logger.warning(line, call.canary_id, call.address, call.request_id)
    await database.execute(COUNT_CANARY, [call.at, call.address, call.canary_id])


async def prune_refusals_forever() -> None:
    """Periodically remove rows that are older than REFUSALS_KEPT_DAYS."""
    await forever("prune-refusals", _prune, every=PRUNE_SECONDS)


async def _prune() -> None:
    while await prune_batch():
        pass


async def prune_batch() -> int:
    """Remove a batch of old rows and return their number."""
    parameters = {"days": settings.REFUSALS_KEPT_DAYS, "max_rows": MAX_ROWS, "batch": BATCH}
    return len(await database.execute(PRUNE, parameters))


def _columns(rows: Sequence[tuple[int, RefusedCall]]) -> list[list[object]]:
    values = (
        (
            *(id_, call.at, call.request_id, call.status, call.code, call.rule, call.key_id, call.app),
            *(call.address, call.method, call.path, orjson.dumps(call.facts).decode(), call.count),
        )
        for id_, call in rows
    )
    return [list(column) for column in zip(*values, strict=True)]
