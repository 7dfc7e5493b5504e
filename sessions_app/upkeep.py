"""What every worker does now and then: end turns whose worker died, remove sessions past their App's retention."""

import asyncio
import logging

from apps_registry import database
from sessions_app import pauses, sql_many
from sessions_app.store import store

logger = logging.getLogger("aomi.upkeep")

SWEEP_SECONDS = 5.0
PRUNE_SECONDS = 3600.0
BATCH = 500


async def sweep_forever() -> None:
    """End the turns of dead workers, whose readers hear of it though nobody asks, and those that wait in vain."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            for (session_id,) in await database.read(sql_many.READ_EXPIRED):
                await store.reload(session_id)
            await pauses.end_overdue()
        except database.DATABASE_DOWN as error:
            logger.warning("turns of dead workers not looked for: %s", type(error).__name__)


async def prune_forever() -> None:
    """Prune now and then; of all workers, one at a time does."""
    while True:
        await asyncio.sleep(PRUNE_SECONDS)
        try:
            while removed := await prune_batch():
                logger.info("%d sessions were older than their App keeps them", removed)
        except database.DATABASE_DOWN as error:
            logger.warning("sessions not pruned: %s", type(error).__name__)


async def prune_batch() -> int:
    """Remove some sessions that are due; return how many, 0 when none is or another worker is at it."""
    rows = await database.execute(sql_many.PRUNE_SESSIONS, {"batch": BATCH})
    return int(rows[0][0])
