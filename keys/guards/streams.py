"""How many event streams one caller may have open on one worker, so that no one can occupy all of them.

A worker has a fixed number of streams (apps_registry/support/descriptors.py). One key may hold half of them, all
callers without a key together three quarters, and one address, with any keys, three quarters. Settings set lower limits
for a key, and for an address without a key or with browser tokens.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings

from apps_registry.support.descriptors import budget
from keys.callers import Caller
from keys.guards.errors import CallerLimit

SHARE_OF_KEY = 0.5
SHARE_OF_KEYLESS = 0.75
SHARE_OF_ADDRESS = 0.75
RETRY_SECONDS = 5
TOO_MANY = "streams_of_address"
ALL = "all"
DETAIL = "Too many event streams are open; close some first."


class _Count(NamedTuple):
    """A counter to which a stream adds, with its limit."""

    name: str
    limit: int
    rule: str


class StreamLease:
    """One response's slot among the open streams. It is created before the caller is known, and released once."""

    __slots__ = ("names",)

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()


class OpenStreams:
    """The open event streams of one worker, by caller."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @property
    def are_full(self) -> bool:
        """Tell whether the worker has reached its limit of streams."""
        return self._open[ALL] >= budget().streams

    def take(self, lease: StreamLease, caller: Caller) -> None:
        """Count a stream for its caller.

        Raises:
            CallerLimit: the caller has too many open streams.
        """
        if refusal := self.refusal_of(caller):
            raise refusal
        lease.names = (ALL, *(count.name for count in _counts_of(caller)))
        self._open.update(lease.names)

    def refusal_of(self, caller: Caller) -> CallerLimit | None:
        """Return the refusal of another stream of this caller, or None if it may open one; count nothing."""
        for count in _counts_of(caller):
            if self._open.get(count.name, 0) >= count.limit:
                return CallerLimit(count.rule, DETAIL, retry_after=RETRY_SECONDS, limit=count.limit)
        return None

    def release(self, lease: StreamLease) -> None:
        """Stop counting a stream that has ended."""
        for name in lease.names:
            self._open[name] -= 1
            if self._open[name] <= 0:
                del self._open[name]
        lease.names = ()


def _counts_of(caller: Caller) -> Iterator[_Count]:
    total = budget().streams
    if caller.key_id is not None:
        limit = _least(settings.STREAMS_PER_KEY, total * SHARE_OF_KEY)
        yield _Count(f"key {caller.key_id}", limit, "streams_of_key")
        if caller.token is not None:  # one visitor must not use up the key's share of streams
            yield _Count(f"tokens from {caller.address}", _least(settings.STREAMS_PER_ADDRESS, limit), TOO_MANY)
    else:
        yield _Count("no key", _least(0, total * SHARE_OF_KEYLESS), "streams_without_key")
        limit = _least(settings.STREAMS_PER_ADDRESS, total * SHARE_OF_ADDRESS)
        yield _Count(f"no key from {caller.address}", limit, TOO_MANY)
    yield _Count(f"from {caller.address}", _least(0, total * SHARE_OF_ADDRESS), TOO_MANY)


def _least(setting: int, share: float) -> int:
    """Return the smaller of a setting (0: no limit) and a share of the worker's streams."""
    return max(1, min(setting or int(share), int(share)))


streams = OpenStreams()
