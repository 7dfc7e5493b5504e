"""Round trips to Postgres, counted on the wire."""

from bench.context import DATABASE, Bench
from bench.jobs import Job, fresh_sessions, warmed
from bench.results import at_most
from bench.servers import TARGETS
from tests.sql_proxy import SqlProxy

# Five turns of each session run first, in which statements are prepared.
SESSIONS, WARM_UP, REPEAT = 4, 5, 100


def round_trips(bench: Bench) -> None:
    """A counting proxy in front of Postgres, in a separate run, since it costs time. Background work counts too."""
    for target in TARGETS:
        proxy = SqlProxy(bench.postgres.url(DATABASE))
        try:
            with bench.single(target, url=proxy.url) as server:
                job = Job("turn", server.port, bench.key, 1, fresh_sessions(SESSIONS), REPEAT, warm_up=WARM_UP)
                with warmed(job) as load:
                    before = proxy.round_trips
                    outcome = load.go()
                    trips = (proxy.round_trips - before) / outcome.count
        finally:
            proxy.close()
        bench.results.add(target, "SQL round trips per warm turn", "", trips, at_most(3.05))
