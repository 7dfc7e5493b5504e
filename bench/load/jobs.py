"""The jobs of the load generator, their outcomes, and how to run it."""

import hashlib
import statistics
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Literal

import orjson

Door = Literal["turn", "stream", "completion", "completion_stream", "response", "response_stream"]
Kind = Door | Literal["direct", "state", "create", "apps", "updates"]
FIRST_APP = "bench-0-tools"


@dataclass(frozen=True)
class Job:
    """Work for the load generator.

    Attributes:
        kind: what to request: a turn, whole or as a stream, through the API or a door of OpenAI's; the model directly;
            or other API calls.
        sessions: session ids, divided among the connections.
        repeat: the number of requests per session.
        warm_up: the number per session before "ready", which do not count.
        delay_ms: how long the model waits.
        limit_seconds: after this time, the job is abandoned.
    """

    kind: Kind
    port: int
    key: str
    connections: int
    sessions: list[str]
    repeat: int = 1
    warm_up: int = 0
    delay_ms: int = 0
    app: str = FIRST_APP
    limit_seconds: float = 180.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job; times in seconds, and the generator's own share of one core."""

    latencies: list[float]
    errors: dict[str, int]
    body_bytes: int
    seconds: float
    cpu_share: float

    @property
    def count(self) -> int:
        """The number of correct responses."""
        return len(self.latencies)

    @property
    def error_count(self) -> int:
        """The number of errors."""
        return sum(self.errors.values())

    def quantile_ms(self, percent: int) -> float:
        """Return a percentile of the latencies in milliseconds."""
        if len(self.latencies) < 2:
            raise RuntimeError(f"no answers to speak of; errors: {self.errors}")
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


class Running:
    """A load generator that has finished its warm-up."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def go(self) -> Outcome:
        """Start the work; return the outcome."""
        pipe(self._process.stdin).write(b"go\n")
        pipe(self._process.stdin).flush()
        return Outcome(**orjson.loads(_line(self._process)))


@contextmanager
def warmed(job: Job) -> Iterator[Running]:
    """Start a load generator and wait until it has warmed up; it stops at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load.generator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    guard = threading.Timer(2 * job.limit_seconds + 30, process.kill)
    guard.start()
    try:
        pipe(process.stdin).write(orjson.dumps(job) + b"\n")
        pipe(process.stdin).flush()
        if _line(process) != b"ready\n":
            raise RuntimeError("the load generator did not start")
        yield Running(process)
    finally:
        guard.cancel()
        process.kill()
        process.communicate()


def sessions(name: str, count: int) -> list[str]:
    """Return the session ids that SQL derives from the same name: md5(name || '-' || number)::uuid."""
    return [str(uuid.UUID(hashlib.md5(f"{name}-{number}".encode()).hexdigest())) for number in range(count)]


def fresh_sessions(count: int) -> list[str]:
    """Return ids of sessions that do not exist."""
    return [str(uuid.uuid4()) for _ in range(count)]


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that Popen was told to open; None is impossible."""
    assert end is not None
    return end


def _line(process: "subprocess.Popen[bytes]") -> bytes:
    line = pipe(process.stdout).readline()
    if not line:
        raise RuntimeError(f"the load generator ended with {process.wait()}")
    return line
