"""The cost of a turn through other protocols, compared with the API."""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from bench import cpu
from bench.context import Bench
from bench.load.jobs import Door, Job, fresh_sessions, warmed
from bench.results import Goal, at_most
from bench.sections.round_trips import counted
from bench.servers import Server
from tests.sql_proxy import SqlProxy

STREAMS: tuple[Door, ...] = ("stream", "completion_stream", "response_stream")
WHOLE: tuple[Door, ...] = ("turn", "completion", "response")
PATHS: dict[Door, str] = {
    "turn": "/api/chat",
    "completion": "/v1/chat/completions",
    "response": "/v1/responses",
    "stream": "/api/chat, streamed",
    "completion_stream": "/v1/chat/completions, streamed",
    "response_stream": "/v1/responses, streamed",
}
CONNECTIONS, SESSIONS = 32, 64
# Doors take turns in short blocks on one server, so that other load on the machine affects them equally.
PAIRS, LEAST_PAIRS, TRIP_BLOCKS = 12, 5, 7
BODY_BYTES = 300
SETTLE_SECONDS = 0.1  # what a turn does after its answer counts for its own block
MORE = 0.1  # background work also counts, and differs between two measurements
THINKING_MS = 20
# Fast answers show the cost of the code; on a busy machine, slow ones show the load of other programs.
QUICKER = 10


def doors(bench: Bench) -> None:
    """Product only. The same warm turns, in sessions that the calls name, with JSON bodies of one size, on one server.

    Blocks of turns through each path alternate; each ratio or difference is that of neighbouring blocks, and the figure
    is their median. The first text comes from a model that waits 20 ms, one call at a time; p10, since the difference
    is small. A stored response needs one more statement.
    """
    with bench.single("product") as server:
        for _ in range(bench.extent.rounds):
            _costs(bench, server)
            _first_texts(bench, server)
    with counted(bench, "product") as (server, proxy):
        _round_trips(bench, server, proxy)


def _costs(bench: Bench, server: Server) -> None:
    for same in ("turn", "stream"):
        kinds = [kind for kind in PATHS if (kind in STREAMS) is (same == "stream")]
        blocks = _alternate(bench, server, kinds)
        for kind in kinds:
            for cost in blocks[kind]:
                bench.results.add("product", f"{PATHS[kind]}: server CPU per turn", "ms", cost)
        for kind in kinds[1:]:
            _compare(bench, kind, [cost / base for cost, base in zip(blocks[kind], blocks[same], strict=True)])


def _alternate(bench: Bench, server: Server, kinds: Sequence[Door]) -> dict[Door, list[float]]:
    """Return the server's processor time per turn in ms, a value for each block."""
    costs: dict[Door, list[float]] = {kind: [] for kind in kinds}
    with ExitStack() as stack:
        loads = {kind: stack.enter_context(warmed(_job(bench, server, kind))) for kind in kinds}
        for number in range(max(LEAST_PAIRS, bench.extent.count(PAIRS))):
            for kind in kinds if number % 2 else reversed(kinds):
                before = cpu.running_seconds([server.worker])
                outcome = loads[kind].go()
                time.sleep(SETTLE_SECONDS)
                costs[kind].append((cpu.running_seconds([server.worker]) - before) / outcome.count * 1000)
                bench.results.add("product", f"{PATHS[kind]}: errors", "", outcome.error_count, at_most(0))
    return costs


def _job(bench: Bench, server: Server, kind: Door) -> Job:
    sessions = fresh_sessions(max(CONNECTIONS, bench.extent.count(SESSIONS)))
    return Job(kind, server.port, bench.key, CONNECTIONS, sessions, warm_up=2, body_bytes=BODY_BYTES)


def _compare(bench: Bench, kind: Door, ratios: Sequence[float]) -> None:
    """Record the ratios of neighbouring blocks; the median is the figure, and the quartiles are its spread."""
    name = f"{PATHS[kind]}: CPU over that of /api/chat"
    goal = None if kind.startswith("response") else _at_most_factor(1.15)
    for ratio in ratios:
        bench.results.add("product", name, "", ratio, goal)
    lower, _, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    bench.results.add("product", f"{name}, lower quartile", "", lower)
    bench.results.add("product", f"{name}, upper quartile", "", upper)


def _first_texts(bench: Bench, server: Server) -> None:
    for kind, times in _first_texts_of(bench, server).items():
        if kind == "stream":
            continue
        goal = at_most(2) if kind == "completion_stream" else None
        name = f"{PATHS[kind]}: first text later than /api/chat's, p{QUICKER}"
        for later in times:
            bench.results.add("product", name, "ms", later, goal)


def _first_texts_of(bench: Bench, server: Server) -> dict[Door, list[float]]:
    """Return how much later than through /api/chat the first text comes, in ms, a value for each pair of blocks."""
    later: dict[Door, list[float]] = {kind: [] for kind in STREAMS}
    with ExitStack() as stack:
        loads = {}
        for kind in STREAMS:
            job = Job(kind, server.port, bench.key, 1, fresh_sessions(20), warm_up=2, delay_ms=THINKING_MS)
            loads[kind] = stack.enter_context(warmed(replace(job, body_bytes=BODY_BYTES)))
        for number in range(max(LEAST_PAIRS, bench.extent.count(PAIRS))):
            kinds = STREAMS if number % 2 else STREAMS[::-1]
            times = {kind: loads[kind].go().quantile_ms(QUICKER) for kind in kinds}
            for kind in STREAMS:
                later[kind].append(times[kind] - times["stream"])
    return later


def _round_trips(bench: Bench, server: Server, proxy: SqlProxy) -> None:
    trips: dict[Door, list[float]] = {kind: [] for kind in WHOLE}
    with ExitStack() as stack:
        jobs = {kind: Job(kind, server.port, bench.key, 1, fresh_sessions(4), 20, warm_up=5) for kind in WHOLE}
        loads = {kind: stack.enter_context(warmed(job)) for kind, job in jobs.items()}
        for _ in range(TRIP_BLOCKS):
            for kind in WHOLE:
                before = proxy.round_trips
                outcome = loads[kind].go()
                trips[kind].append((proxy.round_trips - before) / outcome.count)
    for kind in WHOLE:
        for count in trips[kind]:
            bench.results.add("product", f"{PATHS[kind]}: SQL round trips per turn", "", count)
    for own, base in zip(trips["completion"], trips["turn"], strict=True):
        name = f"{PATHS['completion']}: more round trips than /api/chat"
        bench.results.add("product", name, "", own - base, at_most(MORE))


def _at_most_factor(factor: float) -> Goal:
    return Goal(f"≤ {factor:g}", lambda product, _: product <= factor)
