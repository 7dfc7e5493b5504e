"""The cost of waiting: turns on a slow model, idle streams."""

import time

from bench import cpu
from bench.context import Bench
from bench.load.jobs import Job, fresh_sessions, warmed
from bench.results import at_most
from bench.servers import TARGETS, Target

SLOW_MODEL_MS = 2000
KB = 1024
WARM_UP = 50


def held(bench: Bench) -> None:
    """All turns are started at once, with a model that waits 2 s; a fresh server each time, after 50 turns.

    Memory is the worker's proportional set size: the peak, less the size before the connections opened, divided by
    the number of started turns; it says little if not all of them finished.
    """
    for _ in range(bench.extent.rounds):
        for count in bench.extent.held:
            for target in TARGETS:
                _hold(bench, target, count)


def _hold(bench: Bench, target: Target, count: int) -> None:
    with bench.single(target) as server:
        bench.measure(server, Job("turn", server.port, bench.key, 10, fresh_sessions(WARM_UP)))
        before, threads = cpu.memory_bytes(server.worker), cpu.threads(server.worker)
        job = Job("turn", server.port, bench.key, count, fresh_sessions(count), delay_ms=SLOW_MODEL_MS)
        with warmed(job) as load, cpu.peak_of(server.worker) as peak:
            outcome = load.go()
    add = bench.results.add
    grown = (peak.memory_bytes - before) / count / KB
    add(target, f"memory per held turn, {count:,}", "KB", grown, at_most(60))
    add(target, f"threads at the peak, {count:,} held turns", "", peak.threads)
    add(target, f"threads added, {count:,} held turns", "", peak.threads - threads, at_most(0))
    add(target, f"turns not finished, of {count:,}", "", count - outcome.count, at_most(0))
    for fault, number in outcome.errors.items():
        add(target, f"of {count:,}: {fault}", "", number)
    add(target, f"time until all {count:,} had answers", "s", outcome.seconds)


def idle(bench: Bench) -> None:
    """Streams of `GET /api/updates`, of sessions that do not exist, on a fresh server; nothing happens in them.

    The limit's stream has no source of events. Memory as for held turns.
    """
    for _ in range(bench.extent.rounds):
        for target in TARGETS:
            _idle(bench, target)


def _idle(bench: Bench, target: Target) -> None:
    count, seconds = bench.extent.idle, bench.extent.idle_seconds
    with bench.single(target) as server:
        _open_streams_once(bench, server.port)
        before, threads = cpu.memory_bytes(server.worker), cpu.threads(server.worker)
        with warmed(Job("updates", server.port, bench.key, count, fresh_sessions(count))) as load:
            time.sleep(1)  # lets the work of opening them finish
            cpu_before = server.cpu_seconds()
            time.sleep(seconds)
            share = (server.cpu_seconds() - cpu_before) / seconds
            grown = (cpu.memory_bytes(server.worker) - before) / count / KB
            threads_during = cpu.threads(server.worker)
            outcome = load.go()
    add = bench.results.add
    add(target, f"memory per idle stream, {count:,}", "KB", grown, at_most(30))
    add(target, f"CPU of {count:,} idle streams", "% of a core", share * 100, at_most(1))
    add(target, f"threads, {count:,} idle streams", "", threads_during)
    add(target, f"threads added, {count:,} idle streams", "", threads_during - threads, at_most(0))
    add(target, f"streams refused, of {count:,}", "", outcome.error_count, at_most(0))


def _open_streams_once(bench: Bench, port: int) -> None:
    with warmed(Job("updates", port, bench.key, WARM_UP, fresh_sessions(WARM_UP))) as load:
        load.go()
