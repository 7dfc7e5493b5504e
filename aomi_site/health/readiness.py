"""Checks whether this worker could store a chat, and which minor problems it has."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from django.db import connection
from psycopg.errors import UndefinedTable

from apps_registry.support import database
from apps_registry.support.database_errors import fault_of
from apps_registry.support.error_location import location
from apps_registry.support.forever import failing_loops
from chat.providers.breaker import breakers
from sessions_app.events.hub import hub

logger = logging.getLogger("aomi.probes")

READY_SECONDS = 3.0
# The minimum interval between test writes of a worker, regardless of the number of probes.
WRITE_SECONDS = 3.0

READ = "SELECT number FROM apps_registry_registryrevision"
# An update fits into its page even on a full disk, where a new message would not. A sort that exceeds its memory
# needs new space: about 300 kB in a temporary file next to the tables.
LIMIT_MEMORY = "SELECT set_config('work_mem', '64kB', true)"
TAKE_ROOM = """
SELECT count(*) FROM (
    SELECT repeat(md5(n::text), 2) AS text FROM generate_series(1, 3000) AS n ORDER BY text OFFSET 0) AS sorted
"""
WRITE = """
INSERT INTO apps_registry_storeprobe (id, written_at) VALUES (1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at
"""


class Readiness:
    """One worker's answer to `/readyz`."""

    def __init__(self) -> None:
        self._trial: asyncio.Task[str | None] | None = None
        self._next_at = 0.0

    async def fault(self) -> str | None:
        """Return the reason why a chat could not be stored, in a word; None if it could."""
        return await _attempt(_read()) or await self._written()

    async def _written(self) -> str | None:
        """Return the result of the last test write; if it is too old, make another, which concurrent callers share."""
        loop_time = asyncio.get_running_loop().time()
        if self._trial is None or (self._trial.done() and loop_time >= self._next_at):
            self._next_at = loop_time + WRITE_SECONDS
            self._trial = asyncio.create_task(_attempt(_write()), name="store-probe")
        return await asyncio.shield(self._trial)


readiness = Readiness()


def degraded() -> list[str]:
    """Return a word for each problem that does not stop this worker from serving."""
    problems = {"bus_deaf": hub.is_deaf, "model_down": breakers.has_open(), "loop_failing": bool(failing_loops())}
    return [problem for problem, is_present in problems.items() if is_present]


async def _attempt(work: Coroutine[Any, Any, None]) -> str | None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await work
    except UndefinedTable:
        return "not migrated"
    except TimeoutError:
        return "timeout"
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            logger.error("the readiness probe failed: %s", location(error))
        return fault or "failed"
    return None


async def _read() -> None:
    await database.read(READ)


async def _write() -> None:
    """Do what a chat needs: read its App through the ORM, write through the pool."""
    await database.run_orm(_read_by_orm)
    async with database.pooled_connection() as connection_, connection_.pipeline(), connection_.transaction():
        await connection_.execute(LIMIT_MEMORY)
        await connection_.execute(TAKE_ROOM)
        await connection_.execute(WRITE)


def _read_by_orm() -> None:
    with connection.cursor() as cursor:
        cursor.execute(READ)
