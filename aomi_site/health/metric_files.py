"""The files of the metrics: one folder per server, one file per process and kind of metric.

gunicorn_config.py uses this module before Django is set up, and before prometheus_client may be imported: at import, it
decides by an environment variable, the folder's name, whether to count in files.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "aomi-metrics-"
# A process of the server holds this lock until it ends, however it ends.
LIFE_LOCK = "lives.lock"
READING_LOCK = "reading.lock"
ENDED_PROCESSES = "counter_dead.db"


def make_folder() -> int:
    """Create this server's folder, put its name in the environment, and remove the folders of killed servers.

    Returns:
        A file descriptor that the process must keep open.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_if_dead(folder)
    draft = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    descriptor = os.open(draft / LIFE_LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    folder = draft.with_name(draft.name.removeprefix("."))
    draft.rename(folder)  # other servers see the folder only now, and it is locked
    os.environ[VARIABLE] = str(folder)
    return descriptor


def remove_folder() -> None:
    """Remove this server's folder when the server ends."""
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)


def forget_process(pid: int) -> None:
    """Remove the files of a worker that ended; its counts stay in the sums."""
    from prometheus_client import multiprocess
    from prometheus_client.mmap_dict import MmapedDict

    folder = Path(os.environ[VARIABLE])
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
    counted = folder / f"counter_{pid}.db"
    if not counted.exists():
        return
    with _locked(fcntl.LOCK_EX):
        total = MmapedDict(str(folder / ENDED_PROCESSES))  # type: ignore[no-untyped-call]
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(counted)):  # type: ignore[no-untyped-call]
            total.write_value(key, total.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
        total.close()  # type: ignore[no-untyped-call]
        counted.unlink()


def read() -> bytes:
    """Return the counts of all processes in Prometheus's text format."""
    import prometheus_client
    from prometheus_client import multiprocess

    registry = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    with _locked(fcntl.LOCK_SH):
        return prometheus_client.generate_latest(registry)


@contextlib.contextmanager
def _locked(how: int) -> Iterator[None]:
    """Keep the sums consistent: if a counter were in two files or in none for a moment, the sum would jump."""
    with (Path(os.environ[VARIABLE]) / READING_LOCK).open("a") as file:
        fcntl.flock(file, how)
        yield


def _remove_if_dead(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / LIFE_LOCK).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
