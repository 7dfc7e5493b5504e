"""How costs grow with the number of keys, sessions and tools."""

import os
import subprocess
import sys

import orjson

from bench import cpu, rows
from bench.context import DATABASE, Bench
from bench.load.jobs import FIRST_APP, Job, fresh_sessions
from bench.results import Goal, at_most
from bench.servers import ROOT, TARGETS, Server, Target

LARGE = "bench_large"
FEW = 1000
KEY_CHECKS = 2000
CONNECTIONS, SESSIONS, REPEAT = 8, 80, 5


def keys(bench: Bench) -> None:
    """The product's `KeyVerifier` in a separate process, against databases with 1,000 and with many keys.

    Warm: the key was verified before. Cold: by a new verifier each time, so with argon2. The limit's figure is
    the read alone, which a warm check contains; the check itself is the difference.
    """
    _make_large(bench)
    for _ in range(bench.extent.rounds):
        few, many = (_key_check(bench, database) for database in (DATABASE, LARGE))
        for count, figures in ((FEW, few), (bench.extent.many_keys, many)):
            add, name = bench.results.add, f"{count:,} keys"
            add("product", f"{name}: warm check, CPU", "µs", figures["warm"])
            add("limit", f"{name}: warm check, CPU", "µs", figures["read"])
            beyond = figures["warm"] - figures["read"]
            add("product", f"{name}: warm check beyond its read, CPU", "µs", beyond, at_most(50))
            add("product", f"{name}: cold check, CPU", "µs", figures["cold"])
            add("product", f"{name}: Postgres CPU per check", "µs", figures["postgres"])
        growth = Goal("≤ 1.1: no more, within noise", lambda product, _: product <= 1.1)
        bench.results.add("product", "warm check, many keys over 1,000", "", many["warm"] / few["warm"], growth)


def _key_check(bench: Bench, database: str) -> dict[str, float]:
    count = bench.extent.count(KEY_CHECKS)
    before = cpu.cpu_seconds(bench.postgres.pid)
    done = subprocess.run(
        [sys.executable, "-m", "bench.key_check"],
        cwd=ROOT,
        env={**os.environ, **bench.environment(database)},
        input=orjson.dumps({"key": bench.key, "count": count}),
        stdout=subprocess.PIPE,
        check=True,
    )
    checks = 2 * count + count // 10 + 60
    figures: dict[str, float] = orjson.loads(done.stdout)
    return {**figures, "postgres": (cpu.cpu_seconds(bench.postgres.pid) - before) / checks * 1e6}


def sessions(bench: Bench) -> None:
    """Warm turns, 8 at a time, each in its own session, on databases with 1,000 and with many other sessions."""
    _make_large(bench)
    for _ in range(bench.extent.rounds):
        for database, count in ((DATABASE, FEW), (LARGE, bench.extent.many_sessions)):
            for target in TARGETS:
                with bench.single(target, database) as server:
                    _turn_cost(bench, target, server, f"{count:,} sessions")


def tools(bench: Bench) -> None:
    """Product only. Warm turns of Apps with 0, 1 and 100 HTTP tools, which the model gets and does not call."""
    with bench.single("product") as server:
        for _ in range(bench.extent.rounds):
            for app in bench.app_ids:
                _turn_cost(bench, "product", server, app.removeprefix("bench-").replace("-", " "), app)


def _turn_cost(bench: Bench, target: Target, server: Server, name: str, app: str = FIRST_APP) -> None:
    ids = fresh_sessions(max(2 * CONNECTIONS, bench.extent.count(SESSIONS)))
    job = Job("turn", server.port, bench.key, CONNECTIONS, ids, REPEAT, warm_up=1, app=app)
    outcome, use = bench.measure(server, job)
    bench.results.add(target, f"{name}: server CPU per warm turn", "ms", use.server / outcome.count * 1000)
    bench.results.add(target, f"{name}: Postgres CPU per warm turn", "ms", use.postgres / outcome.count * 1000)
    bench.results.add(target, f"{name}: errors", "", outcome.error_count, at_most(0))


def _make_large(bench: Bench) -> None:
    """Create a copy of the database with many keys and sessions, and add a few to the first one."""
    if bench.postgres.has(LARGE):
        return
    small = [*rows.many_keys(FEW, bench.app_ids), *rows.many_sessions(FEW, bench.app_ids)]
    extent = bench.extent
    large = [*rows.many_keys(extent.many_keys, bench.app_ids), *rows.many_sessions(extent.many_sessions, bench.app_ids)]
    bench.postgres.run("postgres", f"CREATE DATABASE {LARGE} TEMPLATE {DATABASE}")
    bench.postgres.run(DATABASE, *small)
    bench.postgres.run(LARGE, *large)
