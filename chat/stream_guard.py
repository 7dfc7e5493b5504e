"""Ends streams whose key was revoked, expired, or lost an App while they were open."""

import asyncio
from collections import defaultdict

from apps_registry.forever import forever
from keys.verification import Caller, usable_scopes
from sessions_app.subscriptions import Subscription

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
            checking = forever("stream-guard", self._check, every=CHECK_SECONDS, goes_on=lambda: bool(self._watched))
            self._task = asyncio.create_task(checking, name="stream-guard")

    def unwatch(self, caller: Caller, subscription: Subscription) -> None:
        """Forget a subscription that has ended."""
        self._watched[caller].discard(subscription)
        if not self._watched[caller]:
            del self._watched[caller]

    async def _check(self) -> None:
        scopes = await usable_scopes({caller.key_id for caller in self._watched if caller.key_id is not None})
        for caller, subscriptions in self._watched.items():
            if caller.key_id is not None and scopes.get(caller.key_id, frozenset()) < caller.app_ids:
                for subscription in subscriptions:
                    subscription.close()


guard = StreamGuard()
