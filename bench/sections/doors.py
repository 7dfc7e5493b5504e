"""What a turn costs through the doors of other protocols, compared with the API."""

from bench.context import Bench
from bench.load.jobs import Door, Job, fresh_sessions
from bench.results import Goal, at_most
from bench.sections.round_trips import counted, trips_per_turn
from bench.servers import Server

# What each door is compared with.
SAME: dict[Door, Door] = {"completion": "turn", "completion_stream": "stream"}
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
CONNECTIONS, SESSIONS, REPEAT = 32, 64, 5
MORE = 0.1  # background work, which counts too, differs between two measurements
THINKING_MS = 20
# The quicker answers say what the code takes; on a busy machine, the others say what else runs there.
QUICKER = 10


def doors(bench: Bench) -> None:
    """Product only. The same warm turns, in sessions that the calls name, through each path in turn.

    The first text comes from a model that waits 20 ms, one call at a time; p10, since the difference is small. A stored
    response has a statement of its own.
    """
    with bench.single("product") as server:
        for _ in range(bench.extent.rounds):
            _costs(bench, server)
            _first_texts(bench, server)
    with counted(bench, "product") as (server, proxy):
        trips = {kind: trips_per_turn(bench, server, proxy, kind) for kind in WHOLE}
    for kind, count in trips.items():
        bench.results.add("product", f"{PATHS[kind]}: SQL round trips per turn", "", count)
    more = trips["completion"] - trips["turn"]
    bench.results.add("product", f"{PATHS['completion']}: more round trips than /api/chat", "", more, at_most(MORE))


def _costs(bench: Bench, server: Server) -> None:
    costs: dict[Door, float] = {}
    for kind, path in PATHS.items():
        sessions = fresh_sessions(max(CONNECTIONS, bench.extent.count(SESSIONS)))
        outcome, use = bench.measure(
            server, Job(kind, server.port, bench.key, CONNECTIONS, sessions, REPEAT, warm_up=1)
        )
        costs[kind] = use.server / outcome.count * 1000
        bench.results.add("product", f"{path}: server CPU per turn", "ms", costs[kind])
        bench.results.add("product", f"{path}: errors", "", outcome.error_count, at_most(0))
    for kind, same in SAME.items():
        name = f"{PATHS[kind]}: CPU over that of /api/chat"
        bench.results.add("product", name, "", costs[kind] / costs[same], _at_most_so_much_more(1.15))


def _first_texts(bench: Bench, server: Server) -> None:
    times: dict[Door, float] = {}
    for kind in STREAMS:
        job = Job(kind, server.port, bench.key, 1, fresh_sessions(20), 2, warm_up=1, delay_ms=THINKING_MS)
        outcome, _ = bench.measure(server, job)
        times[kind] = outcome.quantile_ms(QUICKER)
    for kind in STREAMS[1:]:
        goal = at_most(2) if kind == "completion_stream" else None
        name = f"{PATHS[kind]}: first text later than /api/chat's, p{QUICKER}"
        bench.results.add("product", name, "ms", times[kind] - times["stream"], goal)


def _at_most_so_much_more(factor: float) -> Goal:
    return Goal(f"≤ {factor:g}", lambda product, _: product <= factor)
