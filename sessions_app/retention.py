"""Removing sessions that nobody has touched for longer than their App keeps them."""

import asyncio
import logging

from apps_registry import database
from sessions_app import sql

logger = logging.getLogger("aomi.retention")

EVERY_SECONDS = 3600.0
BATCH = 500


async def prune_forever() -> None:
    """Prune now and then; of all workers, one at a time does."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            while removed := await prune_batch():
                logger.info("%d sessions were older than their App keeps them", removed)
        except database.DATABASE_DOWN as error:
            logger.warning("sessions not pruned: %s", type(error).__name__)


async def prune_batch() -> int:
    """Remove some sessions that are due; return how many, 0 when none is or another worker is at it."""
    rows = await database.execute(sql.PRUNE_SESSIONS, {"batch": BATCH})
    return int(rows[0][0])
