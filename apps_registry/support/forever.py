"""Loops that run for as long as the worker does.

A loop that ends of an error nobody foresaw is a fault that shows days later, as turns that hang or rows that pile up.
So every such loop runs here: it survives anything, says what failed and where, counts it, and goes on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from apps_registry.support.error_location import location
from apps_registry.support.metrics import LOOP_FAILURES

logger = logging.getLogger("aomi.loops")

# After a round that failed, a loop without a pause of its own waits for so long.
FAILURE_PAUSE_SECONDS = 0.5

# A loop counts as failing for so long after its last failure: all but the hourly ones try again sooner.
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
    """Do a step again and again; only being cancelled ends it.

    Args:
        name: a word for the log and the metrics.
        step: one round; it returns True when there is more to do at once.
        every: seconds to wait before each round.
        goes_on: asked before each round; False ends the loop.
    """
    while goes_on():
        await asyncio.sleep(every() if callable(every) else every)
        while (result := await run_once(name, step)) is True:
            pass
        if result is FAILED and not every:
            await asyncio.sleep(FAILURE_PAUSE_SECONDS)


async def run_once(name: str, step: Callable[[], Awaitable[object]]) -> object:
    """Do one round of a loop; return what it returns, or FAILED.

    Args:
        name: a word for the log and the metrics.
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
    """Return the names of this worker's loops that failed just now."""
    now = time.monotonic()
    return sorted(name for name, at in _failed_at.items() if now - at < FAILING_SECONDS)


def _failed(name: str, what: str) -> object:
    logger.warning("%s failed and goes on: %s", name, what)
    LOOP_FAILURES.labels(name).inc()
    _failed_at[name] = time.monotonic()
    return FAILED
