"""Waiting for background work."""

import time
from collections.abc import Callable

from tests.patience import scaled


def wait_until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return when the condition is true; fail if it stays false."""
    deadline = time.monotonic() + scaled(seconds)
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
