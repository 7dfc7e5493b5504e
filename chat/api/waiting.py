"""Waits for the end of a turn that may run on another worker."""

import asyncio
import uuid

from sessions_app.events.hub import hub
from sessions_app.store import store
from sessions_app.values import PROCESSING

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
