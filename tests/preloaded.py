"""Starts programs of the product in processes that have imported their libraries: a server costs a third of the CPU.

A parent, one for each test process, forks itself for each program, which then runs as `python` would run it. How the
product starts is for other tests: they start Python.
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
from collections.abc import Mapping, Sequence
from typing import IO

from tests.root import ROOT

# The libraries that take longest to import, but for those that read settings or variables when they are imported: most
# of Django's contrib packages, the REST framework, and prometheus_client.
LIBRARIES = (
    "Crypto.Hash.keccak",
    "aiohttp.web",
    "cryptography.x509",
    "django.contrib.admin.sites",
    "django.contrib.postgres.fields",
    "django.core.management",
    "django.test.client",
    "emoji",
    "gunicorn.app.wsgiapp",
    "httpcore2",
    "httpx2",
    "jsonschema_rs",
    "markdown_it",
    "openai",
    "psycopg_pool",
    "regex",
    "requests",
    "uvicorn.workers",
    "yaml",
)
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
    os.environ.clear()
    os.environ.update(content["environment"])
    words: list[str] = content["words"]
    return words


def _run(words: list[str]) -> None:
    """Run the program as Python would."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tempfile.tempdir = None  # TMPDIR may be another now
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def main() -> None:
    """Import the libraries, serve, and in the process of a program run that."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()  # a collection would write to pages that the programs share
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end their programs
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        words = _serve(orders)
    if words is not None:
        _run(words)


if __name__ == "__main__":
    main()
