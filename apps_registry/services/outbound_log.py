"""The log of outbound calls: written by turns, pruned by age."""

import logging
from dataclasses import asdict, astuple, replace
from uuid import UUID

import psycopg

from apps_registry.models import OutboundCall
from apps_registry.outbound.client import CallRecord
from apps_registry.support import database
from apps_registry.support.forever import forever
from apps_registry.support.http.request_ids import request_id
from apps_registry.support.text.outside_text import storable

logger = logging.getLogger("aomi.outbound")

KEPT_DAYS = 30
PRUNE_SECONDS = 3600.0
BATCH = 5_000

INSERT = """
INSERT INTO apps_registry_outboundcall
    (app_id, turn_id, request_id, tool, method, host, address, status, milliseconds, received_bytes, verdict)
SELECT %s, %s, %s, %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::int[], %s::bigint[], %s::text[])
"""
PRUNE = """
WITH doomed AS (
    SELECT id FROM apps_registry_outboundcall WHERE created_at < now() - make_interval(days => %(days)s)
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
DELETE FROM apps_registry_outboundcall WHERE id IN (SELECT id FROM doomed) RETURNING 1
"""


async def store(app_id: int, turn_id: UUID, tool: str, records: list[CallRecord]) -> None:
    """Write the records of one tool call; if the database is unreachable, the records are lost but not the turn."""
    columns = zip(*(astuple(_fitting(record)) for record in records), strict=True)
    try:
        await database.execute(INSERT, (app_id, turn_id, request_id() or None, tool, *map(list, columns)))
    except psycopg.Error as error:
        logger.warning("%d outbound calls not recorded: %s", len(records), type(error).__name__)


def store_outside_turn(app_id: int, occasion: str, records: list[CallRecord]) -> None:
    """Write the records of an operator's action: a test call, a refresh of an MCP server, a fetched document.

    Args:
        app_id: id of the App that made the calls.
        occasion: description of the action, stored in the column for the name of the tool.
        records: records of all requests.
    """
    OutboundCall.objects.bulk_create(
        OutboundCall(app_id=app_id, request_id=request_id() or None, tool=occasion[:64], **asdict(_fitting(record)))
        for record in records
    )


def _fitting(record: CallRecord) -> CallRecord:
    """Return a record that fits into its columns: a redirect can contain any host name."""
    host, verdict = storable(record.host[:300]), storable(record.verdict[:200])
    return replace(record, host=host, address=record.address[:64], verdict=verdict)


async def prune_outbound_forever() -> None:
    """Periodically remove records that are older than KEPT_DAYS."""

    async def prune() -> None:
        while await prune_batch():
            pass

    await forever("prune-outbound", prune, every=PRUNE_SECONDS)


async def prune_batch() -> int:
    """Remove a batch of old records and return their number."""
    return len(await database.execute(PRUNE, {"days": KEPT_DAYS, "batch": BATCH}))
