"""Round trips to Postgres, counted on the wire."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.context import DATABASE, Bench
from bench.load.jobs import Job, Kind, fresh_sessions, warmed
from bench.results import at_most
from bench.servers import TARGETS, Server, Target
from tests.sql_proxy import SqlProxy

# Five turns of each session run first, in which statements are prepared.
SESSIONS, WARM_UP, REPEAT = 4, 5, 100


def round_trips(bench: Bench) -> None:
    """A counting proxy in front of Postgres, in a separate run, since it costs time. Background work counts too."""
    for target in TARGETS:
        with counted(bench, target) as (server, proxy):
            trips = trips_per_turn(bench, server, proxy)
        bench.results.add(target, "SQL round trips per warm turn", "", trips, at_most(3.05))


@contextmanager
def counted(bench: Bench, target: Target) -> Iterator[tuple[Server, SqlProxy]]:
    """Start a server behind a proxy that counts its round trips to Postgres."""
    proxy = SqlProxy(bench.postgres.url(DATABASE))
    try:
        with bench.single(target, url=proxy.url) as server:
            yield server, proxy
    finally:
        proxy.close()


def trips_per_turn(bench: Bench, server: Server, proxy: SqlProxy, kind: Kind = "turn") -> float:
    """Return the round trips of a warm turn."""
    job = Job(kind, server.port, bench.key, 1, fresh_sessions(SESSIONS), REPEAT, warm_up=WARM_UP)
    with warmed(job) as load:
        before = proxy.round_trips
        outcome = load.go()
        return (proxy.round_trips - before) / outcome.count
