"""How much longer things take on this machine than on an idle one.

All seconds that tests give to servers, models and waits are those of an idle machine, and grow with it: so a pause that
is shorter than a limit stays so.
"""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

VARIABLE = "TESTS_SLOWNESS"
# Limits that were longer still would only hide that such a machine is of no use.
WORST = 5.0


def measure() -> None:
    """Measure once for all processes of a run, before they keep the machine busy; a variable that is set counts."""
    if VARIABLE not in os.environ:
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as threads:
            found = max(threads.map(_share_of_a_core, range(cores)))
        os.environ[VARIABLE] = f"{min(max(found, 1.0), WORST):.1f}"


def _share_of_a_core(_: int) -> float:
    """How many seconds a second of CPU takes; hashing lets the other threads of the process run meanwhile."""
    began, used = time.monotonic(), time.thread_time()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 300_000)
    return (time.monotonic() - began) / max(time.thread_time() - used, 1e-6)


def slowness() -> float:
    """1 on an idle machine, 2 where each step takes twice as long."""
    return float(os.environ.get(VARIABLE, "1"))


def scaled(seconds: float) -> float:
    """Seconds that suffice here for what takes at most so many on an idle machine."""
    return seconds * slowness()
