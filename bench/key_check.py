"""Measures the product's key check: `python -m bench.key_check` reads {key, count} and prints figures as JSON.

It runs in its own process with the product's verifier, pool and database, one check at a time, so that the processor
time can be divided by the number of checks. Times are microseconds of this process's processor time, all threads.
"""

import os
import sys
import time
from collections.abc import Awaitable, Callable

import django
import orjson
import uvloop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
django.setup()

from apps_registry.support import database  # noqa: E402
from keys import crypto  # noqa: E402
from keys.reading import READ_KEY  # noqa: E402
from keys.verification import KeyVerifier  # noqa: E402


async def measure(key: str, count: int) -> dict[str, float]:
    """Return microseconds per check: cold, warm, and for the read alone that a warm check includes."""
    await database.open_pool()
    try:
        verifier, parts = KeyVerifier(), crypto.parse_key(key)
        assert parts is not None
        return {
            "cold": await _microseconds(lambda: KeyVerifier().verify(key, address="127.0.0.1"), count // 10),
            "warm": await _microseconds(lambda: verifier.verify(key, address="127.0.0.1"), count),
            "read": await _microseconds(lambda: database.read(READ_KEY, {"lookup_id": parts.lookup_id}), count),
        }
    finally:
        await database.close_pool()


async def _microseconds(call: Callable[[], Awaitable[object]], count: int) -> float:
    for _ in range(20):
        await call()
    started = time.process_time()
    for _ in range(count):
        await call()
    return (time.process_time() - started) / count * 1e6


if __name__ == "__main__":
    job = orjson.loads(sys.stdin.read())
    figures = uvloop.run(measure(job["key"], job["count"]))
    sys.stdout.write(orjson.dumps(figures).decode())
