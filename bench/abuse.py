"""`python -m bench.abuse`: floods the product on loopback and measures the effect on a holder of a valid key.

Each flood gets a fresh server. The holder asks for its Apps 50 times a second, whether or not answers have come. Blocks
without and with the flood alternate, so what else the machine does hits both alike; one pair of blocks warms up and
does not count. On a machine that does other work, compare the worker's processor time during the holder's calls rather
than their time. Calls without a key come from one address, or from 500 by the header of a trusted proxy.
"""

import argparse
import contextlib
import itertools
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench import cpu
from bench.context import DATABASE, QUICK, Bench, prepared
from bench.load.flood import Flood
from bench.load.floods import FLOODS, NamedFlood, good
from bench.load.jobs import pipe
from bench.machine import raise_file_limit
from bench.servers import ROOT, Server, serving

GOOD_PER_SECOND = 50
FILES = 16_384
REFUSED_BY = "SELECT rule, sum(count)::int FROM keys_refusal GROUP BY rule ORDER BY 2 DESC"


@dataclass
class Blocks:
    """The blocks of one kind, without or with the flood.

    Attributes:
        times: milliseconds of the holder's answers, a list per block.
        processor: milliseconds of the worker's processor time during each of the holder's calls, a list per block.
        server, postgres: processor seconds.
        statuses: the holder's answers by status.
    """

    times: list[list[float]] = field(default_factory=list)
    processor: list[list[float]] = field(default_factory=list)
    server: float = 0.0
    postgres: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """Return percentiles over all blocks."""
        times, processor = (sorted(itertools.chain(*blocks)) for blocks in (self.times, self.processor))
        return (
            f"{_quantiles(times)}; processor time of the worker during a call {_quantiles(processor)}; "
            f"{dict(self.statuses)}"
        )


def main() -> None:
    """Run the floods, each on a fresh server, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(FLOODS), default=list(FLOODS), help="which floods")
    parser.add_argument("--seconds", type=int, default=10, help="how long a block lasts")
    parser.add_argument("--pairs", type=int, default=5, help="how many pairs of blocks, without and with the flood")
    options = parser.parse_args()
    raise_file_limit(FILES)
    with prepared(QUICK) as bench:
        for name in options.only:
            bench.postgres.run(DATABASE, "TRUNCATE keys_refusal, keys_keyfailure, keys_addressuse")
            with _product(bench) as server:
                _measure(bench, server, FLOODS[name](bench), options.pairs, options.seconds)


def _measure(bench: Bench, server: Server, flood: NamedFlood, pairs: int, seconds: int) -> None:
    answers: list[dict[str, Any]] = []
    memory = 0
    for pair in range(-1, pairs):
        if pair == 0:
            alone, flooded = Blocks(), Blocks()
            answers.clear()
            memory = cpu.memory_bytes(server.worker)
        elif pair < 0:
            alone, flooded = Blocks(), Blocks()
        with _counted(bench, server, alone):
            _add(alone, _run(good(bench, server, GOOD_PER_SECOND, seconds)))
        with _counted(bench, server, flooded), _started(flood.against(server.port, seconds)) as running:
            if flood.flood.holds:
                pipe(running.stdout).readline()
            _add(flooded, _run(good(bench, server, GOOD_PER_SECOND, seconds)))
            answers.append(_end(running, is_held=flood.flood.holds))
    _report(flood.description, answers, alone, flooded)
    grown = (cpu.memory_bytes(server.worker) - memory) / 2**20
    time.sleep(2)  # refused calls are written once a second
    refused = ", ".join(f"{rule} {count:,}" for rule, count in bench.postgres.rows(DATABASE, REFUSED_BY))
    sys.stdout.write(f"  memory {grown:+.1f} MB; refused so far, by rule: {refused or 'nothing'}\n")
    sys.stdout.flush()


def _report(description: str, answers: list[dict[str, Any]], alone: Blocks, flooded: Blocks) -> None:
    statuses: Counter[str] = Counter()
    for answer in answers:
        statuses.update(answer["statuses"])
    calls = sum(statuses.values())
    milliseconds = [1000 * (flooded.server - alone.server) / calls, 1000 * (flooded.postgres - alone.postgres) / calls]
    slowest = statistics.median(answer["p50"] for answer in answers)
    sys.stdout.write(
        f"\n{description}\n"
        f"  answers to the flood: {dict(statuses)}, p50 {slowest:.1f} ms, "
        f"{sum(answer['seconds'] for answer in answers):.1f} s in {len(answers)} blocks\n"
        f"  the holder alone:     {alone.line()}\n"
        f"  the holder meanwhile: {flooded.line()}\n"
        f"  p99 of a pair of blocks: time x {_ratios(alone.times, flooded.times)}; "
        f"processor time x {_ratios(alone.processor, flooded.processor)}\n"
        f"  processor: server {alone.server:.1f} s alone, {flooded.server:.1f} s meanwhile; Postgres "
        f"{alone.postgres:.1f} s, {flooded.postgres:.1f} s: {milliseconds[0]:.2f} ms and {milliseconds[1]:.2f} ms "
        "a call of the flood\n"
    )


def _ratios(alone: list[list[float]], flooded: list[list[float]]) -> str:
    ratios = [_quantile(after, 99) / _quantile(before, 99) for before, after in zip(alone, flooded, strict=True)]
    return f"{statistics.median(ratios):.2f} in the median ({', '.join(f'{ratio:.2f}' for ratio in ratios)})"


@contextlib.contextmanager
def _counted(bench: Bench, server: Server, blocks: Blocks) -> Iterator[None]:
    """Add the processor time of a block."""
    before = server.cpu_seconds(), cpu.cpu_seconds(bench.postgres.pid)
    yield
    blocks.server += server.cpu_seconds() - before[0]
    blocks.postgres += cpu.cpu_seconds(bench.postgres.pid) - before[1]


def _add(blocks: Blocks, answers: dict[str, Any]) -> None:
    blocks.times.append(answers["times"])
    blocks.processor.append(answers["processor"])
    blocks.statuses.update(answers["statuses"])


def _quantiles(times: list[float]) -> str:
    return f"p50 {_quantile(times, 50):.1f} ms, p99 {_quantile(times, 99):.1f} ms"


def _quantile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def _run(flood: Flood) -> dict[str, Any]:
    with _started(flood) as running:
        return _answers(running)


def _end(running: "subprocess.Popen[bytes]", *, is_held: bool) -> dict[str, Any]:
    """Return the answers that a flood got; close the streams that it holds."""
    if is_held:
        pipe(running.stdin).write(b"end\n")
        pipe(running.stdin).flush()
    return _answers(running)


def _answers(running: "subprocess.Popen[bytes]") -> dict[str, Any]:
    answers: dict[str, Any] = orjson.loads(pipe(running.stdout).readline())
    return answers


@contextlib.contextmanager
def _started(flood: Flood) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "bench.load.flood"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        pipe(process.stdin).write(orjson.dumps(flood) + b"\n")
        pipe(process.stdin).flush()
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def _product(bench: Bench) -> Iterator[Server]:
    with serving("product", {**bench.environment(), "TRUSTED_PROXIES": "127.0.0.1"}, bench.log) as server:
        time.sleep(1)
        yield server


if __name__ == "__main__":
    main()
