"""The cache of HTTP tool results, in the memory of one worker."""

import sys
import time
from collections.abc import Hashable
from typing import NamedTuple

from cachetools import TLRUCache

MAX_BYTES = 16 * 1024 * 1024


class _Entry(NamedTuple):
    text: str
    seconds: float


class ResultCache:
    """Texts by key, each with its own lifetime; the least recently used are evicted when the cache is full."""

    def __init__(self) -> None:
        self._entries: TLRUCache[Hashable, _Entry] = TLRUCache(
            maxsize=MAX_BYTES,
            ttu=lambda _key, entry, now: now + entry.seconds,
            timer=time.monotonic,
            getsizeof=lambda entry: sys.getsizeof(entry.text),
        )

    def get(self, key: Hashable) -> str | None:
        """Return the text for a key unless it has expired."""
        entry = self._entries.get(key)
        return entry.text if entry else None

    def put(self, key: Hashable, text: str, seconds: float) -> None:
        """Store a text for a number of seconds."""
        if sys.getsizeof(text) <= MAX_BYTES:
            self._entries[key] = _Entry(text, seconds)


results = ResultCache()
