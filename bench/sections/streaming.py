"""Time to the first streamed byte."""

from typing import Literal

from bench.context import Bench
from bench.load.jobs import Job, fresh_sessions
from bench.servers import TARGETS

THINKING_MS = 20
SESSIONS, REPEAT = 20, 10


def first_byte(bench: Bench) -> None:
    """`POST /api/chat` as a stream, one at a time, on a model whose first chunk comes after 20 ms.

    The time from the request to the first text, less the same time of a client that calls the model directly.
    """
    with bench.both() as running:
        for _ in range(bench.extent.rounds):
            for target in TARGETS:
                server = running[target]
                direct, _ = bench.measure(server, _job(bench, "direct", bench.model_port))
                outcome, _ = bench.measure(server, _job(bench, "stream", server.port))
                bench.results.add(target, "model's own first text, p50", "ms", direct.quantile_ms(50))
                for percent in (50, 99):
                    over = outcome.quantile_ms(percent) - direct.quantile_ms(percent)
                    bench.results.add(target, f"first text over the model's, p{percent}", "ms", over)
                bench.results.add(target, "errors", "", outcome.error_count)


def _job(bench: Bench, kind: Literal["direct", "stream"], port: int) -> Job:
    sessions, repeat = fresh_sessions(SESSIONS), bench.extent.count(REPEAT)
    return Job(kind, port, bench.key, 1, sessions, repeat, warm_up=1, delay_ms=THINKING_MS)
