"""Rate limits for the calls of one caller to one worker, in memory: they protect the worker, not a budget.

Every call counts, polling and reads included: the original client polls twice a second, so the limits are far above
what people generate. A refused call costs no statement. Calls that start turns have stricter limits, which hold across
workers: keys/limits/.
"""

import math
import time
from collections.abc import Callable

from cachetools import LRUCache
from django.conf import settings

from keys.guards.errors import CallerLimit

# Idle callers accumulate calls for this many seconds, so that the burst of a page or script that starts is accepted.
BURST_SECONDS = 10
CALLERS_MAX = 100_000


class CallRates:
    """The rates of calls of one worker, by the generic cell rate algorithm."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When the caller's next call would be on time if its calls came evenly.
        self._next_at: LRUCache[str, float] = LRUCache(CALLERS_MAX)

    def count_address(self, address: str) -> None:
        """Count a call without a key, or with a browser token.

        Raises:
            CallerLimit: the address makes too many calls.
        """
        self._count(*_limit_of_address(address))

    def refusal_of_address(self, address: str) -> CallerLimit | None:
        """Return the refusal of a call that `count_address` would refuse, otherwise None; count nothing."""
        return self._refusal(*_limit_of_address(address))

    def count_key(self, key_id: int) -> None:
        """Count a call with a valid key.

        Raises:
            CallerLimit: the key makes too many calls.
        """
        self._count(f"key {key_id}", settings.CALLS_PER_SECOND_PER_KEY, "calls_of_key")

    def _count(self, caller: str, per_second: int, rule: str) -> None:
        if not per_second:
            return
        if refusal := self._refusal(caller, per_second, rule):
            raise refusal
        now = self._clock()
        self._next_at[caller] = max(self._next_at.get(caller, now), now) + 1 / per_second

    def _refusal(self, caller: str, per_second: int, rule: str) -> CallerLimit | None:
        next_at = self._next_at.get(caller) if per_second else None
        if next_at is None:
            return None
        wait = next_at + 1 / per_second - self._clock() - BURST_SECONDS
        if wait <= 0:
            return None
        return CallerLimit(rule, "Too many calls; wait.", retry_after=math.ceil(wait), limit_per_second=per_second)


def _limit_of_address(address: str) -> tuple[str, int, str]:
    return f"address {address}", settings.CALLS_PER_SECOND_PER_ADDRESS, "calls_of_address"


rates = CallRates()
