"""Processor time, memory and threads of process trees, as Linux counts them."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of a process and all its descendants."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in _tree(root)]
    ended = root.cpu_times()  # the kernel adds ended children to their parent
    return (
        sum(times_of_process.user + times_of_process.system for times_of_process in times)
        + ended.children_user
        + ended.children_system
    )


def running_seconds(pids: Iterable[int]) -> float:
    """Return the seconds that all threads of some processes have run, exact enough for one statement.

    It counts nanoseconds (`schedstat`); `cpu_seconds` counts ticks of 10 ms.
    """
    files = (file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(_first_number(file) for file in files) / 1e9


def _first_number(file: Path) -> int:
    try:
        return int(file.read_text().split()[0])
    except OSError:  # the thread has ended
        return 0


def memory_bytes(pid: int) -> int:
    """Return the proportional set size of one process."""
    return int(psutil.Process(pid).memory_full_info().pss)


def threads(pid: int) -> int:
    """Return the number of threads of a process."""
    return int(psutil.Process(pid).num_threads())


def _tree(root: psutil.Process) -> Iterator[psutil.Process]:
    yield root
    for child in root.children(recursive=True):
        if child.is_running():
            yield child


@dataclass
class Peak:
    """The maximum observed values of a process."""

    memory_bytes: int = 0
    threads: int = 0

    def look(self, pid: int) -> None:
        """Take one sample."""
        self.memory_bytes = max(self.memory_bytes, memory_bytes(pid))
        self.threads = max(self.threads, threads(pid))


@contextmanager
def peak_of(pid: int, every_seconds: float = 0.2) -> Iterator[Peak]:
    """Sample a process during the block."""
    peak, is_over = Peak(), threading.Event()

    def watch() -> None:
        while not is_over.wait(every_seconds):
            peak.look(pid)

    watcher = threading.Thread(target=watch, name="peak")
    peak.look(pid)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()
        peak.look(pid)
