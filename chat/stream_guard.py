"""Ends streams whose key was revoked, expired, or lost an App while they were open."""

import asyncio
import logging
from collections import defaultdict

from apps_registry.database import DATABASE_DOWN
from keys.verification import Caller, usable_scopes
from sessions_app.subscriptions import Subscription

logger = logging.getLogger("aomi.api")

CHECK_SECONDS = 3.0


class StreamGuard:
    """Looks at the keys of this worker's open streams from time to time, all in one read."""

    def __init__(self) -> None:
        self._watched: dict[Caller, set[Subscription]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def watch(self, caller: Caller, subscription: Subscription) -> None:
        """Close the subscription once the caller's key no longer opens what it opened."""
        if caller.key_id is None:
            return
        self._watched[caller].add(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._check(), name="stream-guard")

    def unwatch(self, caller: Caller, subscription: Subscription) -> None:
        """Forget a subscription that has ended."""
        self._watched[caller].discard(subscription)
        if not self._watched[caller]:
            del self._watched[caller]

    async def _check(self) -> None:
        while self._watched:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                scopes = await usable_scopes({caller.key_id for caller in self._watched if caller.key_id is not None})
            except DATABASE_DOWN as error:
                logger.warning("keys of open streams not checked: %s", type(error).__name__)
                continue
            for caller, subscriptions in self._watched.items():
                if caller.key_id is not None and scopes.get(caller.key_id, frozenset()) < caller.app_ids:
                    for subscription in subscriptions:
                        subscription.close()


guard = StreamGuard()
