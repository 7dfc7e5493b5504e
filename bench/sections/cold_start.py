"""The duration of a start."""

from bench.context import Bench
from bench.servers import TARGETS


def cold_start(bench: Bench) -> None:
    """From the start of gunicorn's process to the first 200 at /readyz; the files are in the page cache."""
    for _ in range(bench.extent.rounds):
        for target in TARGETS:
            with bench.single(target) as server:
                bench.results.add(target, "start to ready", "s", server.start_seconds)
                bench.results.add(target, "CPU until ready", "s", server.cpu_seconds())
