"""The cost of the three tiers of the session loader."""

from bench import rows
from bench.context import Bench
from bench.load.jobs import Job, Kind, fresh_sessions, sessions

COUNT, MESSAGES = 300, 20


def tiers(bench: Bench) -> None:
    """Product only. `GET /api/state` of stored sessions of 20 messages, each read first by a fresh server (postgres)
    and then again (memory); `POST /api/sessions` with new ids (create). One connection.
    """
    for number in range(bench.extent.rounds):
        name, count = f"tier-{number}", bench.extent.count(COUNT)
        bench.postgres.run("bench", *rows.sessions_with_messages(name, count, MESSAGES, bench.app_ids))
        stored = sessions(name, count)
        with bench.single("product") as server:
            work: tuple[tuple[str, Kind, list[str]], ...] = (
                ("Postgres", "state", stored),
                ("memory", "state", stored),
                ("create", "create", fresh_sessions(count)),
            )
            bench.measure(server, Job("state", server.port, bench.key, 1, fresh_sessions(20)))
            for tier, kind, ids in work:
                outcome, use = bench.measure(server, Job(kind, server.port, bench.key, 1, ids))
                bench.results.add("product", f"{tier}: server CPU per call", "ms", use.server / outcome.count * 1000)
                bench.results.add("product", f"{tier}: p50", "ms", outcome.quantile_ms(50))
                bench.results.add("product", f"{tier}: errors", "", outcome.error_count)
