"""Starts programs of the product in processes that have imported it: a server costs a fifth of the CPU.

A parent, one for each test process, imports the product and forks itself for each program, which then runs as `python`
would run it, with the settings of its own variables. How the product starts is for other tests: they start Python.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any
from unittest import mock

from tests.cheap_hashes import make_hashes_cheap
from tests.root import ROOT

# What a server and most commands import, without aomi_site.application and aomi_site.asgi, which make objects of
# settings.
LIBRARIES = ("django.contrib.staticfiles.finders", "gunicorn.app.wsgiapp", "openai", "requests", "uvicorn.workers")
PRODUCT = (
    "aomi_site.serving.stock_handler",
    "aomi_site.serving.static_files",
    "aomi_site.urls",
    "aomi_site.worker",
    "chat.doors.mcp.cancelling",
)
# Settings that are valid and connect to nothing, for the parent.
VARIABLES = {
    "AOMI_ENV": "local",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "DJANGO_SETTINGS_MODULE": "aomi_site.settings",
}
# The settings that modules of the product may read while the parent imports them: `_renew_what_settings_made` knows
# them, or they do not come from variables.
READ_ON_IMPORT = {
    "AUTH_USER_MODEL",
    *("SESSION_CACHE_TOTAL_BYTES", "SESSION_CACHE_ENTRY_BYTES"),
    "SPECTACULAR_SETTINGS",  # of which only the title and the version are read
}
NUMBER_BYTES = 16


class Program:
    """A running program, with what tests use of subprocess.Popen."""

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit code if the program has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code, which is negative after a signal.

        Raises:
            subprocess.TimeoutExpired: the program did not end within these seconds.
        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"the program with pid {self.pid}", timeout or 0)
            with self._status:
                self.returncode = _receive_number(self._status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal unless the program has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(words: Sequence[str], environment: Mapping[str, str], *, out: IO[bytes], err: IO[bytes]) -> Program:
    """Start `python WORDS...` in the project's folder, without input.

    Args:
        words: `-m`, a module and its arguments, or a script and its arguments.
        environment: all its variables.
        out: a file for its standard output.
        err: a file for its standard error.
    """
    status, told = socket.socketpair()
    with told, tempfile.TemporaryFile("w") as order:
        json.dump({"words": list(words), "environment": dict(environment)}, order)
        order.flush()
        socket.send_fds(_parent(), [b"."], [order.fileno(), told.fileno(), out.fileno(), err.fileno()])
    return Program(_receive_number(status), status)


def can_start(environment: Mapping[str, str]) -> bool:
    """Return whether it makes no difference: Python reads its own variables only when it starts."""
    changed = (name for name, value in environment.items() if os.environ.get(name) != value)
    return not any(name.startswith("PYTHON") for name in changed)


@functools.cache
def _parent() -> socket.socket:
    """Return the socket for orders to the parent; the parent ends when this process ends, however it ends."""
    orders, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "tests.preloaded", str(theirs.fileno())]
        parent = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    def end() -> None:
        orders.close()
        parent.wait()

    atexit.register(end)
    return orders


def _receive_number(status: socket.socket) -> int:
    received = status.recv(NUMBER_BYTES, socket.MSG_WAITALL)
    if not received:
        raise RuntimeError("the parent of the programs has ended")
    return int(received)


def _send_number(status: socket.socket, number: int) -> None:
    status.sendall(str(number).rjust(NUMBER_BYTES).encode())


def _serve(orders: socket.socket) -> list[str] | None:
    """Fork for each order. In the process of a program, return its words; in the parent, None at the end."""
    while True:
        message, files, *_ = socket.recv_fds(orders, 1, 4)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not message:
            return None
        if os.fork() == 0:
            return _prepare(*files)
        for file in files:
            os.close(file)


def _prepare(order: int, status: int, out: int, err: int) -> list[str]:
    """Fork again: the child returns the words of its program, and this process tells its pid and then its exit code."""
    pid = os.fork()
    if pid:
        with socket.socket(fileno=status) as told:
            _send_number(told, pid)
            _send_number(told, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    with os.fdopen(order) as file:
        file.seek(0)
        content = json.load(file)
    for source, target in ((out, 1), (err, 2)):
        os.dup2(source, target)
    for file_descriptor in {status, out, err} - {1, 2}:
        os.close(file_descriptor)
    metrics = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    os.environ.clear()
    # Commands do not count; but prometheus_client, once loaded for a server, needs a folder.
    os.environ.update({"PROMETHEUS_MULTIPROC_DIR": metrics, **content["environment"]})
    words: list[str] = content["words"]
    return words


def preload() -> None:
    """Import the product, with settings that `forget_settings` replaces later.

    prometheus_client decides when it is imported whether to count in files, as it does in a server.
    """
    metrics = tempfile.mkdtemp(prefix="preloaded-metrics-")
    with mock.patch.dict(os.environ, {**VARIABLES, "PROMETHEUS_MULTIPROC_DIR": metrics}):
        import django

        with _watched_settings():
            django.setup(set_prefix=False)
            for name in (*LIBRARIES, *PRODUCT):
                importlib.import_module(name)
            make_hashes_cheap()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics


@contextlib.contextmanager
def _watched_settings() -> Iterator[None]:
    """Raise RuntimeError if a module of the product keeps a setting that a program would have with another value."""
    from django.conf import LazySettings

    read = LazySettings.__getattribute__

    def watch(settings: LazySettings, name: str) -> Any:
        caller = sys._getframe(1).f_code.co_filename
        if name.isupper() and name not in READ_ON_IMPORT and _is_product(caller):
            raise RuntimeError(f"{caller} reads settings.{name} when it is imported: see tests/preloaded.py")
        return read(settings, name)

    with mock.patch.object(LazySettings, "__getattribute__", watch):
        yield


def _is_product(file: str) -> bool:
    return file.startswith(f"{ROOT}/") and not file.startswith(f"{sys.prefix}/")


def forget_settings() -> None:
    """Make Django and the product read the settings again, from the variables that this process has now."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections
    from django.utils.functional import empty

    del sys.modules[VARIABLES["DJANGO_SETTINGS_MODULE"]]
    settings._wrapped = empty
    connections.__dict__.pop("settings", None)
    type(connections).__init__(connections)
    with contextlib.suppress(ImproperlyConfigured):  # the program meets the same error, and reports it
        _renew_what_settings_made()


def _renew_what_settings_made() -> None:
    """Make again what a module of the parent made of settings when it was imported."""
    import axes.conf
    from django.conf import settings

    from sessions_app.store import SessionStore, store

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", VARIABLES["DJANGO_SETTINGS_MODULE"])
    importlib.reload(axes.conf)  # it adds defaults to the settings
    total, entry = settings.SESSION_CACHE_TOTAL_BYTES, settings.SESSION_CACHE_ENTRY_BYTES
    SessionStore.__init__(store, total_bytes=total, entry_bytes=entry)


def _run(words: list[str]) -> None:
    """Run the program as Python would."""
    forget_settings()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tempfile.tempdir = None  # TMPDIR may be another now
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def main() -> None:
    """Import the product, serve, and in the process of a program run that."""
    preload()
    gc.collect()
    gc.freeze()  # a collection would write to pages that the programs share
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end their programs
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        words = _serve(orders)
    if words is not None:
        _run(words)


if __name__ == "__main__":
    main()
