"""The two servers under measurement, each under gunicorn with one worker, and the model that both call."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from bench import cpu
from bench.load.jobs import pipe

Target = Literal["product", "limit"]
TARGETS: tuple[Target, Target] = ("product", "limit")
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS, STOP_SECONDS = 60.0, 40.0
COMMANDS: dict[Target, list[str]] = {
    "product": ["-c", "aomi_site/gunicorn_config.py", "aomi_site.asgi:application"],
    "limit": ["--worker-class", "bench.limit_worker.LimitWorker", "--keep-alive", "75", "bench.limit:application"],
}


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        start_seconds: from its start to its first 200 at /readyz.
    """

    port: int
    process: "subprocess.Popen[bytes]"
    start_seconds: float

    @property
    def worker(self) -> int:
        """The process id of its only worker."""
        return int(psutil.Process(self.process.pid).children()[0].pid)

    def cpu_seconds(self) -> float:
        """Return the processor time of gunicorn and its worker."""
        return cpu.cpu_seconds(self.process.pid)


@contextmanager
def serving(target: Target, environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Start a server and wait until it is ready; it stops at the end of the block."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", *COMMANDS[target], "--workers", "1", "--bind", f"127.0.0.1:{port}"]
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        _wait_until_ready(process, port, log)
        yield Server(port, process, time.perf_counter() - started)
    finally:
        _stop(process)


@contextmanager
def serving_both(environment: Mapping[str, str], log: Path) -> Iterator[dict[Target, Server]]:
    """Start both servers."""
    with ExitStack() as stack:
        yield {target: stack.enter_context(serving(target, environment, log)) for target in TARGETS}


@contextmanager
def model() -> Iterator[int]:
    """Start the scripted model server; yields its port."""
    process = subprocess.Popen([sys.executable, "-m", "bench.model"], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        yield int(pipe(process.stdout).readline())
    finally:
        process.kill()
        process.communicate()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"the server did not start; its log ends with:\n{log.read_text(errors='replace')[-2000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
