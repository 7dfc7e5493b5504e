"""The records of outbound calls: written as turns make them, pruned by age."""

import asyncio
import logging
from uuid import UUID

import psycopg

from apps_registry import database
from apps_registry.outbound.client import CallRecord

logger = logging.getLogger("aomi.outbound")

KEPT_DAYS = 30
PRUNE_SECONDS = 3600.0
BATCH = 5_000

INSERT = """
INSERT INTO apps_registry_outboundcall
    (app_id, turn_id, tool, method, host, address, status, milliseconds, received_bytes, verdict)
SELECT %s, %s, %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::int[], %s::bigint[], %s::text[])
"""
PRUNE = """
WITH doomed AS (
    SELECT id FROM apps_registry_outboundcall WHERE created_at < now() - make_interval(days => %(days)s)
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
DELETE FROM apps_registry_outboundcall WHERE id IN (SELECT id FROM doomed) RETURNING 1
"""


async def store(app_id: int, turn_id: UUID, tool: str, records: list[CallRecord]) -> None:
    """Write the records of one tool call; a database that is away costs the records, never the turn."""
    columns = zip(
        *((r.method, r.host, r.address, r.status, r.milliseconds, r.received_bytes, r.verdict[:200]) for r in records),
        strict=True,
    )
    try:
        await database.execute(INSERT, (app_id, turn_id, tool, *map(list, columns)))
    except (psycopg.Error, *database.DATABASE_DOWN) as error:
        logger.warning("%d outbound calls not recorded: %s", len(records), type(error).__name__)


async def prune_outbound_forever() -> None:
    """Remove, now and then, the records that are older than KEPT_DAYS."""
    while True:
        await asyncio.sleep(PRUNE_SECONDS)
        try:
            while await prune_batch():
                pass
        except database.DATABASE_DOWN as error:
            logger.warning("outbound calls not pruned: %s", type(error).__name__)


async def prune_batch() -> int:
    """Remove some old records and return how many."""
    return len(await database.execute(PRUNE, {"days": KEPT_DAYS, "batch": BATCH}))
