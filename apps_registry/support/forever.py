"""Background loops that run until the worker stops.

If an unexpected error ended a loop, the effects would appear days later, as turns that hang or rows that accumulate. So
every such loop runs here: it survives any error, logs what failed and where, counts the failure, and continues.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from apps_registry.support.error_location import location
from apps_registry.support.metrics import LOOP_FAILURES

logger = logging.getLogger("aomi.loops")

# Pause after a failed round of a loop that has no interval of its own.
FAILURE_PAUSE_SECONDS = 0.5

# A loop counts as failing until this long after its last failure: all but the hourly loops retry sooner.
FAILING_SECONDS = 15.0
FAILED = object()

_failed_at: dict[str, float] = {}


async def forever(
    name: str,
    step: Callable[[], Awaitable[object]],
    *,
    every: Callable[[], float] | float = 0.0,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Repeat a step until the task is cancelled or `goes_on` returns False.

    Args:
        name: names the loop in the log and in the metrics.
        step: one round; it returns True to be called again immediately.
        every: seconds to wait before each round.
        goes_on: called before each round; False ends the loop.
    """
    while goes_on():
        await asyncio.sleep(every() if callable(every) else every)
        while (result := await run_once(name, step)) is True:
            pass
        if result is FAILED and not every:
            await asyncio.sleep(FAILURE_PAUSE_SECONDS)


async def run_once(name: str, step: Callable[[], Awaitable[object]]) -> object:
    """Run one round of a loop and return its result, or FAILED if it raised an exception.

    Args:
        name: names the loop in the log and in the metrics.
        step: the round.
    """
    try:
        return await step()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _failed(name, "cancelled from within")
    except Exception as error:
        return _failed(name, location(error))


def failing_loops() -> list[str]:
    """Return the names of this worker's loops that failed in the last FAILING_SECONDS."""
    now = time.monotonic()
    return sorted(name for name, at in _failed_at.items() if now - at < FAILING_SECONDS)


def _failed(name: str, reason: str) -> object:
    logger.warning("%s failed and continues: %s", name, reason)
    LOOP_FAILURES.labels(name).inc()
    _failed_at[name] = time.monotonic()
    return FAILED
