"""How the cost of a turn grows with the length of the history."""

from bench import rows
from bench.context import DATABASE, Bench
from bench.load.jobs import Job, fresh_sessions, sessions
from bench.results import Goal, at_most
from bench.servers import TARGETS, Server, Target

REPEAT = 5


def history(bench: Bench) -> None:
    """Turns in sessions with that many messages of 120 letters, stored beforehand; the default history budget.

    The first turn of each session after a server's start loads it from Postgres; five more are warm.
    """
    for number in range(bench.extent.rounds):
        groups = {messages: f"history-{number}-{messages}" for messages in bench.extent.histories}
        for messages, name in groups.items():
            count = bench.extent.histories[messages]
            for target in TARGETS:
                made = rows.sessions_with_messages(f"{name}-{target}", count, messages, bench.app_ids)
                bench.postgres.run(DATABASE, *made)
        for target in TARGETS:
            with bench.single(target) as server:
                bench.measure(server, Job("turn", server.port, bench.key, 1, fresh_sessions(20), 2))
                measured = [_history(bench, target, server, *group) for group in groups.items()]
            _compare_growth(bench, target, measured)


def _history(bench: Bench, target: Target, server: Server, messages: int, name: str) -> tuple[float, float]:
    """Return processor milliseconds per warm turn, and bytes per response."""
    ids = sessions(f"{name}-{target}", bench.extent.histories[messages])
    add = bench.results.add
    cold, cold_use = bench.measure(server, Job("turn", server.port, bench.key, 1, ids))
    warm, warm_use = bench.measure(server, Job("turn", server.port, bench.key, 1, ids, REPEAT))
    milliseconds, size = warm_use.server / warm.count * 1000, warm.body_bytes / warm.count
    add(target, f"{messages:,} messages: server CPU per warm turn", "ms", milliseconds)
    add(target, f"{messages:,} messages: server CPU per first turn", "ms", cold_use.server / cold.count * 1000)
    add(target, f"{messages:,} messages: bytes of the answer", "KB", size / 1024)
    add(target, f"{messages:,} messages: errors", "", cold.error_count + warm.error_count, at_most(0))
    return milliseconds, size


def _compare_growth(bench: Bench, target: Target, measured: list[tuple[float, float]]) -> None:
    (few_ms, few_bytes), (many_ms, many_bytes) = measured[0], measured[-1]
    goal = Goal("≤ 1: no more than the bytes", lambda product, _: product <= 1)
    growth = (many_ms / few_ms) / (many_bytes / few_bytes)
    bench.results.add(target, "growth of CPU over growth of bytes, 10 to 10,000", "", growth, goal)
