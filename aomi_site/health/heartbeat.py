"""Each worker's row in the table of workers: its version, its load, and its problems."""

import itertools
import os
import socket
import uuid
from typing import Any

import orjson
from django.conf import settings

from apps_registry.support import database
from apps_registry.support.forever import failing_loops, forever, run_once
from chat.providers.breaker import breakers
from chat.turns.running.runner import runner
from sessions_app.events.hub import hub

FIRST_SECONDS = 0.5
EVERY_SECONDS = 10.0
# A worker that has not reported for so long is not counted: three heartbeats and a half, since a busy machine may be
# late with one.
FRESH_SECONDS = 35.0
KEPT_HOURS = 1

WRITE = """
WITH old AS (DELETE FROM sessions_app_workerstate WHERE seen_at < clock_timestamp() - make_interval(hours => %(hours)s))
INSERT INTO sessions_app_workerstate AS known (id, host, pid, version, bus, hears_bus, running_turns, readers,
    open_models, failing_loops)
VALUES (%(id)s, %(host)s, %(pid)s, %(version)s, %(bus)s, %(hears_bus)s, %(running_turns)s, %(readers)s,
    %(open_models)s::jsonb, %(failing_loops)s::jsonb)
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), hears_bus = excluded.hears_bus,
    running_turns = excluded.running_turns, readers = excluded.readers, open_models = excluded.open_models,
    failing_loops = excluded.failing_loops
RETURNING 1 + (SELECT count(*) FROM sessions_app_workerstate
    WHERE id <> %(id)s AND seen_at > clock_timestamp() - make_interval(secs => %(fresh)s))
"""
REMOVE = "DELETE FROM sessions_app_workerstate WHERE id = %(id)s RETURNING 1"


class Heartbeat:
    """The row of this worker.

    Attributes:
        workers: how many workers serve, this one included, as of its last report; None before the first.
    """

    def __init__(self) -> None:
        self._id: uuid.UUID | None = None
        self.workers: int | None = None

    async def write_forever(self) -> None:
        """Write the row soon after the start, then every EVERY_SECONDS."""
        self._id = uuid.uuid4()  # made here, because forked workers must not share a row
        pauses = itertools.chain([FIRST_SECONDS], itertools.repeat(EVERY_SECONDS))
        await forever("heartbeat", self._write, every=lambda: next(pauses))

    async def _write(self) -> None:
        ages = {"hours": KEPT_HOURS, "fresh": FRESH_SECONDS}
        ((self.workers,),) = await database.execute(WRITE, {"id": self._id, **ages, **state_of_worker()})

    async def remove(self) -> None:
        """Remove the row because the worker ends; if that fails, the row expires."""
        if self._id is not None:
            await run_once("heartbeat", self._remove)

    async def _remove(self) -> None:
        await database.execute(REMOVE, {"id": self._id})


heartbeat = Heartbeat()


def state_of_worker() -> dict[str, Any]:
    """Return the columns of this worker's row."""
    return {
        "host": socket.gethostname()[:255],
        "pid": os.getpid(),
        "version": settings.SPECTACULAR_SETTINGS["VERSION"],
        "bus": settings.BUS,
        "hears_bus": not hub.is_deaf,
        "running_turns": runner.running_turns,
        "readers": hub.reader_count,
        "open_models": orjson.dumps([[provider, model] for provider, _, model in breakers.open_models()]).decode(),
        "failing_loops": orjson.dumps(failing_loops()).decode(),
    }
