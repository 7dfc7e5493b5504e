"""Periodic tasks of every worker: end turns of dead workers, prune sessions past their App's retention."""

import logging
from functools import partial

from django.conf import settings

from apps_registry.support import database
from apps_registry.support.forever import forever, run_once
from sessions_app.sql import many as sql_many
from sessions_app.store import store
from sessions_app.turns import pauses

logger = logging.getLogger("aomi.upkeep")

SWEEP_SECONDS = 5.0
PRUNE_SECONDS = 3600.0
BATCH = 500


async def sweep_forever() -> None:
    """Periodically end turns of dead workers and overdue pauses, so that readers learn of it without a request."""
    await forever("sweep", _sweep, every=SWEEP_SECONDS)


async def _sweep() -> None:
    for (session_id,) in await database.read(sql_many.READ_EXPIRED):
        # One failure must not stop the loop: the other sessions still need it.
        await run_once("sweep-session", partial(store.reload, session_id))
    await database.execute(sql_many.DROP_STATELESS_TEXT, {"batch": BATCH})
    for session_id, turn_id in await pauses.overdue():
        await run_once("sweep-session", partial(pauses.end, session_id, turn_id))


async def prune_forever() -> None:
    """Prune sessions periodically; a lock lets one worker prune at a time."""
    await forever("prune", _prune, every=PRUNE_SECONDS)


async def _prune() -> None:
    while removed := await prune_batch():
        logger.info("removed %d sessions that were older than their App's retention", removed)


def prune_parameters() -> dict[str, int]:
    """Return the parameters of PRUNE_SESSIONS."""
    return {"batch": BATCH, "stateless_days": settings.STATELESS_RETENTION_DAYS}


async def prune_batch() -> int:
    """Remove a batch of expired sessions; return how many: 0 if there are none or another worker is pruning."""
    rows = await database.execute(sql_many.PRUNE_SESSIONS, prune_parameters())
    return int(rows[0][0])
