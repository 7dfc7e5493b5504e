"""The context of every section: the database, the model, the servers' environment, the extent of the run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench import cpu, postgres, servers
from bench.load.jobs import Job, Outcome, warmed
from bench.postgres import Postgres
from bench.results import Results
from bench.servers import ROOT, Server, Target

DATABASE = "bench"


@dataclass(frozen=True)
class Extent:
    """The extent of a run.

    Attributes:
        rounds: how many times product and limit are measured alternately.
        scale: a factor for the number of requests; 1 for a whole run.
        held: the number of turns held at once, for each measurement.
        idle: the number of idle streams held.
        idle_seconds: how long they are held.
        many_keys, many_sessions: rows of a large installation.
        histories: the number of messages per session -> how many sessions to measure.
    """

    rounds: int
    scale: float
    held: tuple[int, ...]
    idle: int
    idle_seconds: float
    many_keys: int
    many_sessions: int
    histories: dict[int, int]

    def count(self, whole: int) -> int:
        """Return the number scaled to this run."""
        return max(2, int(whole * self.scale))


WHOLE = Extent(3, 1, (1000, 2000), 2000, 10.0, 1_000_000, 1_000_000, {10: 40, 100: 40, 1000: 12, 10_000: 4})
QUICK = Extent(1, 0.1, (300,), 300, 2.0, 100_000, 100_000, {10: 10, 100: 5, 1000: 3, 10_000: 2})


@dataclass(frozen=True)
class Usage:
    """The processor seconds that a job took, for the server and for Postgres."""

    server: float
    postgres: float


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark."""

    postgres: Postgres
    model_port: int
    key: str
    app_ids: dict[str, int]
    extent: Extent
    results: Results

    @property
    def log(self) -> Path:
        """The servers' log file."""
        return self.postgres.data_dir / "servers.log"

    def environment(self, database: str = DATABASE, *, url: str | None = None) -> dict[str, str]:
        """Return the environment of both servers for a database name or URL."""
        return {
            "AOMI_ENV": "local",
            "AOMI_DATA_DIR": str(self.postgres.data_dir),
            "DATABASE_URL": url or self.postgres.url(database),
            "BENCH_MODEL_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "BENCH_APP_IDS": orjson.dumps(self.app_ids).decode(),
        }

    @contextmanager
    def both(self, database: str = DATABASE) -> Iterator[dict[Target, Server]]:
        with servers.serving_both(self.environment(database), self.log) as running:
            yield running

    @contextmanager
    def single(self, target: Target, database: str = DATABASE, *, url: str | None = None) -> Iterator[Server]:
        with servers.serving(target, self.environment(database, url=url), self.log) as running:
            yield running

    def measure(self, server: Server, job: Job) -> tuple[Outcome, Usage]:
        """Run a job; return its outcome and its cost, excluding the warm-up."""
        with warmed(job) as load:
            before = server.cpu_seconds(), cpu.cpu_seconds(self.postgres.pid)
            outcome = load.go()
            after = server.cpu_seconds(), cpu.cpu_seconds(self.postgres.pid)
        return outcome, Usage(after[0] - before[0], after[1] - before[1])


@contextmanager
def prepared(extent: Extent) -> Iterator[Bench]:
    """Start Postgres and the model, and create the rows that all sections use."""
    with postgres.running() as running, servers.model() as model_port:
        running.run("postgres", f"CREATE DATABASE {DATABASE}")
        environment = {"AOMI_ENV": "local", "AOMI_DATA_DIR": str(running.data_dir)}
        environment["DATABASE_URL"] = running.url(DATABASE)
        _run(environment, "manage.py", "migrate", "-v0")
        seeded = orjson.loads(_run(environment, "-m", "bench.seed", f"http://127.0.0.1:{model_port}/v1"))
        yield Bench(running, model_port, seeded["key"], seeded["app_ids"], extent, Results())


def _run(environment: dict[str, str], *arguments: str) -> bytes:
    full = {**os.environ, **environment}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=full, check=True, stdout=subprocess.PIPE).stdout
