"""Measures how much slower this machine is than an idle one.

All durations in tests, for servers, models and waits, are for an idle machine and scale with the slowness. So a pause
that is shorter than a limit remains shorter.
"""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

VARIABLE = "TESTS_SLOWNESS"
# Even longer limits would only hide that the machine is too slow.
WORST = 5.0


def measure() -> None:
    """Measure once for all processes of a run, before they load the machine; an existing variable takes precedence."""
    if VARIABLE not in os.environ:
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as threads:
            slowest = max(threads.map(_share_of_a_core, range(cores)))
        os.environ[VARIABLE] = f"{min(max(slowest, 1.0), WORST):.1f}"


def _share_of_a_core(_: int) -> float:
    """Return the seconds that one second of CPU takes; hashing releases the GIL for the other threads."""
    started, used = time.monotonic(), time.thread_time()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 300_000)
    return (time.monotonic() - started) / max(time.thread_time() - used, 1e-6)


def slowness() -> float:
    """Return 1 on an idle machine, 2 if each step takes twice as long."""
    return float(os.environ.get(VARIABLE, "1"))


def scaled(seconds: float) -> float:
    """Return the time limit here for work that takes at most `seconds` on an idle machine."""
    return seconds * slowness()
