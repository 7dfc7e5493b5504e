"""Waits for what happens in the background."""

import time
from collections.abc import Callable

from tests.patience import scaled


def wait_until(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return when it is so; fail when it does not become so."""
    deadline = time.monotonic() + scaled(seconds)
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
