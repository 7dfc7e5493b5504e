"""Waits for the end of a turn that may run on another worker."""

import asyncio
import uuid

from chat.turns.running.running_turn import RunningTurn
from sessions_app.events.hub import hub
from sessions_app.store import store
from sessions_app.values import PROCESSING

# The longest wait for a turn of another worker; the client may repeat its request afterwards.
JOIN_SECONDS = 300.0
# The bus may lose events, so the session is also read at this interval.
POLL_SECONDS = 1.0


async def until_idle(session_id: uuid.UUID, seconds: float) -> bool:
    """Wait until no turn runs in the session; return False if one still runs after `seconds`."""
    subscription = hub.subscribe(session_id)
    try:
        async with asyncio.timeout(seconds):
            while True:
                session = await store.load(session_id)
                if session is None or session.status != PROCESSING:
                    return True
                async for event in subscription.read(idle_seconds=POLL_SECONDS):
                    if event is None or event.type == "status_changed":
                        break
                else:
                    await asyncio.sleep(POLL_SECONDS)  # the subscription was closed
    except TimeoutError:
        return False
    finally:
        hub.unsubscribe(session_id, subscription)


async def until_ended(session_id: uuid.UUID, running: RunningTurn | None, seconds: float | None = None) -> None:
    """Wait for the end of a turn, which continues even if we stop waiting.

    Args:
        session_id: the turn's session.
        running: the turn; None if it has ended or paused, or runs on another worker.
        seconds: how long; None: until it ends, on another worker for at most JOIN_SECONDS.
    """
    if running is None:
        await until_idle(session_id, JOIN_SECONDS if seconds is None else seconds)
    elif running.task is not None:
        await asyncio.wait({running.task}, timeout=seconds)
        if running.task.done():
            running.task.result()  # raises when the result could not be stored
