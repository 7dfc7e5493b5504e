"""Warm turns: processor time, rate, latency."""

from bench.context import Bench
from bench.load.jobs import Job, fresh_sessions
from bench.results import Goal, at_least_times, at_most, at_most_times
from bench.servers import TARGETS, Server, Target

# Connections -> sessions in a whole run; a quick one has fewer, but enough for steps of 10 ms.
LEVELS = {1: 40, 32: 160, 256: 256}
LEAST_SESSIONS = 15
REPEAT, REPEAT_QUICKLY = 10, 4


def turns(bench: Bench) -> None:
    """Sessions in memory, a model without delay; each session has one turn before the ten that count."""
    with bench.both() as running:
        for _ in range(bench.extent.rounds):
            for connections in LEVELS:
                for target in TARGETS:
                    _measure(bench, target, running[target], connections)


def _measure(bench: Bench, target: Target, server: Server, connections: int) -> None:
    sessions = fresh_sessions(max(connections, LEAST_SESSIONS, bench.extent.count(LEVELS[connections])))
    repeat = REPEAT if bench.extent.scale == 1 else REPEAT_QUICKLY
    job = Job("turn", server.port, bench.key, connections, sessions, repeat, warm_up=1)
    outcome, use = bench.measure(server, job)
    for name, unit, value in (
        ("server CPU per turn", "ms", use.server / outcome.count * 1000),
        ("Postgres CPU per turn", "ms", use.postgres / outcome.count * 1000),
        ("turns", "1/s", outcome.count / outcome.seconds),
        ("p50", "ms", outcome.quantile_ms(50)),
        ("p99", "ms", outcome.quantile_ms(99)),
        ("errors", "", outcome.error_count),
        ("load generator's share of a core", "%", outcome.cpu_share * 100),
    ):
        line = f"{name}, {connections} connection{'s' if connections > 1 else ''}"
        bench.results.add(target, line, unit, value, _goal(name, connections))


def _goal(name: str, connections: int) -> Goal | None:
    goals = {
        ("server CPU per turn", 32): at_most_times(2.0),
        ("turns", 32): at_least_times(0.5),
        ("p99", 256): at_most_times(2.5),
    }
    return at_most(0) if name == "errors" else goals.get((name, connections))
