"""Starts the PostgreSQL of the data folder for the first process that needs it, and stops it after the last one.

Every process that uses the server holds a shared lock on a file in the data folder. The operating system
releases the lock however a process ends, so the lock shows reliably whether any process uses the server.
"""

import atexit
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from aomi_site.embedded_postgres.cluster import PORT, Cluster

__all__ = ["PORT", "ensure_running", "stop_if_unused"]

_mutex = threading.Lock()
_use_locks: dict[Path, int] = {}  # data folder -> descriptor of this process's shared lock


def ensure_running(data_dir: Path) -> Path:
    """Start the server unless it is running, and register this process as a user until it ends.

    Args:
        data_dir: the folder that holds all data of this machine; the server is in postgres/ there.

    Returns:
        The folder of its Unix socket, which libpq accepts as the host.

    Raises:
        ImproperlyConfigured: it cannot run here; the message is one sentence for the operator.
    """
    data_dir = data_dir.resolve()
    cluster = Cluster(data_dir)
    try:
        with _mutex:
            if data_dir not in _use_locks or not cluster.is_ready():
                with _one_at_a_time(data_dir):
                    _hold_use_lock(data_dir)
                    cluster.start()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used ({error.strerror or error}): make it writable, or "
            "set AOMI_DATA_DIR to a folder that is."
        ) from error
    return cluster.socket_dir


def stop_if_unused(data_dir: Path) -> bool:
    """Release this process's use of the server, and stop the server if no other process uses it.

    Args:
        data_dir: as for `ensure_running`.

    Returns:
        Whether no process uses the server; it has then been stopped.
    """
    data_dir = data_dir.resolve()
    if not data_dir.is_dir():
        return True
    with _mutex, _one_at_a_time(data_dir):
        descriptor = _use_locks.pop(data_dir, None)
        if descriptor is None:
            descriptor = _open(data_dir / "postgres.users.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            Cluster(data_dir).stop()
            return True
        finally:
            os.close(descriptor)


def _hold_use_lock(data_dir: Path) -> None:
    if data_dir not in _use_locks:
        descriptor = _open(data_dir / "postgres.users.lock")
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _use_locks[data_dir] = descriptor


@contextmanager
def _one_at_a_time(data_dir: Path) -> Iterator[None]:
    """Serialise starting and stopping between processes."""
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = _open(data_dir / "postgres.start.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    # Python opens files with close-on-exec, so programs that we start do not keep the lock.
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _forget_after_fork() -> None:
    """A forked child shares the parent's lock; close the copy, so that the child takes its own."""
    global _mutex  # noqa: PLW0603 - another thread may have held it at the moment of the fork
    _mutex = threading.Lock()
    for descriptor in _use_locks.values():
        os.close(descriptor)
    _use_locks.clear()


def _stop_at_exit() -> None:
    for data_dir in list(_use_locks):
        stop_if_unused(data_dir)


os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(_stop_at_exit)
