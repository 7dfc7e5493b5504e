"""Sends calls at a fixed rate: `python -m bench.load.flood` reads a job as JSON, sends, and prints what came back.

Unlike bench/load/generator.py, it does not wait for answers: a call that is due is sent, and its time counts from when
it was due.
"""

import asyncio
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import cycle

import orjson
import uvloop

from bench.load.http_client import Connection

CONNECTIONS = 64


@dataclass(frozen=True)
class Flood:
    """Calls to send.

    Attributes:
        lines: request lines such as "GET /api/control/apps", used in turn.
        headers: sets of headers, used in turn.
        per_second: the rate.
        count: how many calls.
        holds: whether each call opens an event stream, which stays open until all were tried.
    """

    port: int
    lines: list[str]
    headers: list[dict[str, str]]
    per_second: float
    count: int
    holds: bool = False


@dataclass
class Answers:
    """What came back: calls by status ("closed" without an answer), and times of answers in milliseconds."""

    statuses: dict[str, int] = field(default_factory=dict)
    p50: float = 0.0
    p99: float = 0.0
    seconds: float = 0.0


async def send(flood: Flood) -> Answers:
    """Send the calls; return what came back."""
    statuses: Counter[str] = Counter()
    times: list[float] = []
    free: asyncio.Queue[Connection | None] = asyncio.Queue()
    held: list[Connection] = []
    for _ in range(CONNECTIONS):
        free.put_nowait(None)

    async def one(request: bytes, due: float) -> None:
        connection = await free.get()
        try:
            if connection is None or flood.holds:
                connection = await Connection.open(flood.port)
            if flood.holds:
                await connection.send(request, until=b":")  # in the first bytes of a stream and of an error
                status = connection.status
                held.append(connection)
            else:
                status, _ = await connection.request(request)
            statuses[str(status)] += 1
            times.append((time.perf_counter() - due) * 1000)
        except OSError:
            statuses["closed"] += 1
            connection = None
        finally:
            free.put_nowait(None if flood.holds else connection)

    started = time.perf_counter()
    tasks = []
    requests = cycle(_requests(flood))
    for number in range(flood.count):
        due = started + number / flood.per_second
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(next(requests), due)))
    await asyncio.gather(*tasks)
    seconds = time.perf_counter() - started
    if flood.holds:
        sys.stdout.write("held\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
    cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99
    return Answers(dict(statuses), cuts[49], cuts[98], seconds)


def _requests(flood: Flood) -> list[bytes]:
    count = max(len(flood.lines), len(flood.headers))
    lines, headers = cycle(flood.lines), cycle(flood.headers)
    return [_request(next(lines), next(headers)) for _ in range(count)]


def _request(line: str, headers: dict[str, str]) -> bytes:
    head = {"host": "127.0.0.1", "content-length": "0", **headers}
    return "\r\n".join([f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "\r\n"]).encode()


if __name__ == "__main__":
    job = Flood(**orjson.loads(sys.stdin.readline()))
    sys.stdout.write(orjson.dumps(asdict(uvloop.run(send(job)))).decode() + "\n")
