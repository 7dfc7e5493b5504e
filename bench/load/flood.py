"""Sends calls at a fixed rate: `python -m bench.load.flood` reads a job as JSON, sends, and prints the answers.

Unlike bench/load/generator.py, it does not wait for answers: each call is sent at its scheduled time, from which its
duration counts.
"""

import asyncio
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

import orjson
import uvloop

from bench.load.http_client import Connection

CONNECTIONS = 64


@dataclass(frozen=True)
class Flood:
    """Calls to send.

    Attributes:
        lines: request lines such as "GET /api/control/apps", used in rotation.
        headers: sets of headers, used in rotation.
        per_second: the rate.
        count: the number of calls.
        holds: whether each call opens an event stream, which stays open until all calls were tried.
        watched: the id of the process whose processor time is measured during each call; 0 if none.
    """

    port: int
    lines: list[str]
    headers: list[dict[str, str]]
    per_second: float
    count: int
    holds: bool = False
    watched: int = 0


@dataclass
class Answers:
    """The answers.

    Attributes:
        statuses: the number of calls by status; "closed" means that there was no answer.
        times: the times of the answers, in milliseconds since each call was due.
        processor: milliseconds of processor time that the watched process used between each call and its answer. Unlike
            the times, they do not depend on what else the machine does.
        p50: the median of the times.
        seconds: the duration of the whole flood.
    """

    statuses: dict[str, int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    p50: float = 0.0
    seconds: float = 0.0


async def send(flood: Flood) -> Answers:
    """Send the calls; return the answers."""
    statuses: Counter[str] = Counter()
    times: list[float] = []
    processor: list[float] = []
    free: asyncio.Queue[Connection | None] = asyncio.Queue()
    held: list[Connection] = []
    for _ in range(CONNECTIONS):
        free.put_nowait(None)

    async def send_one(request: bytes, scheduled_at: float) -> None:
        connection = await free.get()
        used = _processor_ms(flood.watched)
        try:
            if connection is None or flood.holds:
                connection = await Connection.open(flood.port)
            if flood.holds:
                await connection.send(request, until=b":")  # the first bytes of a stream and of an error contain it
                status = connection.status
                held.append(connection)
            else:
                status, _ = await connection.request(request)
            statuses[str(status)] += 1
            times.append((time.perf_counter() - scheduled_at) * 1000)
            processor.append(_processor_ms(flood.watched) - used)
        except OSError:
            statuses["closed"] += 1
            connection = None
        finally:
            free.put_nowait(None if flood.holds else connection)

    started = time.perf_counter()
    tasks = []
    requests = cycle(_requests(flood))
    for number in range(flood.count):
        scheduled_at = started + number / flood.per_second
        if (wait := scheduled_at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(send_one(next(requests), scheduled_at)))
    await asyncio.gather(*tasks)
    seconds = time.perf_counter() - started
    if flood.holds:
        sys.stdout.write("held\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
    return Answers(dict(statuses), times, processor, statistics.median(times or [0.0]), seconds)


def _processor_ms(pid: int) -> float:
    """Return the processor time that a process has used; the kernel counts nanoseconds here."""
    if not pid:
        return 0.0
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def _requests(flood: Flood) -> list[bytes]:
    count = max(len(flood.lines), len(flood.headers))
    lines, headers = cycle(flood.lines), cycle(flood.headers)
    return [_request(next(lines), next(headers)) for _ in range(count)]


def _request(line: str, headers: dict[str, str]) -> bytes:
    head = {"host": "127.0.0.1", "content-length": "0", **headers}
    return "\r\n".join([f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "\r\n"]).encode()


async def _main() -> None:
    """Print inside the loop: once uvloop has closed, writes of more than a pipe holds come out cut."""
    answers = await send(Flood(**orjson.loads(sys.stdin.readline())))
    sys.stdout.write(orjson.dumps(asdict(answers)).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_main())
