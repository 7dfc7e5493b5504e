"""The load generator: `python -m bench.load.generator` reads a job, warms up, says "ready", waits for "go", and prints.

It runs in its own process, so that its processor time is measured separately; bench/load/jobs.py controls it.
"""

import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
import uvloop

from bench.load.http_client import Connection
from bench.load.jobs import Job, Kind, Outcome
from bench.load.wire import PIECES, REPLY, message_text

REPLY_END = REPLY.encode()
FIRST_PIECE = PIECES[0].encode()
CONNECTING_AT_ONCE = 100


@dataclass
class Tally:
    """The results so far."""

    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0


class Generator:
    """Runs one job."""

    def __init__(self, job: Job) -> None:
        self.job, self.tally, self._number = job, Tally(), 0
        self._connections: list[Connection] = []

    async def run(self) -> Outcome:
        """Warm up, wait for "go", and do the work."""
        await self._connect()
        # Every connection has its own sessions, and warms them up with the same requests that are measured later.
        shares = [self.job.sessions[number :: self.job.connections] for number in range(self.job.connections)]
        if self.job.kind == "updates":
            await self._run_all([self._subscribe(*pair) for pair in zip(self._connections, shares, strict=True)])
        for _ in range(self.job.warm_up):
            await self._round(shares, 1)
        self.tally = Tally() if self.job.kind != "updates" else self.tally
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        started, cpu_started = time.perf_counter(), _cpu_seconds()
        await self._round(shares, self.job.repeat)
        seconds = time.perf_counter() - started
        cpu_share = (_cpu_seconds() - cpu_started) / seconds
        for connection in self._connections:
            connection.close()
        tally = self.tally
        return Outcome(tally.latencies, dict(tally.errors), tally.body_bytes, seconds, cpu_share)

    async def _connect(self) -> None:
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def connect() -> Connection:
            async with gate:
                return await Connection.open(self.job.port)

        self._connections = list(await asyncio.gather(*(connect() for _ in range(self.job.connections))))

    async def _round(self, shares: list[list[str]], repeat: int) -> None:
        if self.job.kind != "updates":
            await self._run_all([self._work(*pair, repeat) for pair in zip(self._connections, shares, strict=True)])

    async def _run_all(self, work: list[Coroutine[Any, Any, None]]) -> None:
        async with asyncio.timeout(self.job.limit_seconds):
            await asyncio.gather(*work)

    async def _work(self, connection: Connection, sessions: list[str], repeat: int) -> None:
        for _ in range(repeat):
            for session in sessions:
                try:
                    await self._request_once(connection, session)
                except ConnectionError as error:
                    self.tally.errors[str(error)] += 1
                    return

    async def _request_once(self, connection: Connection, session: str) -> None:
        self._number += 1
        text = message_text(self._number, self.job.delay_ms)
        request = _request(self.job, session, text)
        started = time.perf_counter()
        if self.job.kind.endswith("stream") or self.job.kind == "direct":
            ended = await connection.send(request, until=FIRST_PIECE)
            status, body = await connection.rest()
        else:
            status, body = await connection.request(request)
            ended = time.perf_counter()
        if fault := _fault(self.job.kind, status, body, text):
            self.tally.errors[fault] += 1
        else:
            self.tally.latencies.append(ended - started)
            self.tally.body_bytes += len(body)

    async def _subscribe(self, connection: Connection, sessions: list[str]) -> None:
        try:
            await connection.send(_request(self.job, sessions[0], ""), until=b": connected")
        except ConnectionError as error:
            self.tally.errors[str(error)] += 1


def _request(job: Job, session: str, text: str) -> bytes:
    if job.kind == "direct":
        content = {"model": "bench-model", "stream": True, "messages": [{"role": "user", "content": text}]}
        return _head("POST /v1/chat/completions", ["Content-Type: application/json"], orjson.dumps(content))
    headers = [f"X-Session-Id: {session}", f"AOMI-APP-KEY: {job.key}"]
    if job.kind in {"stream", "updates"}:
        headers.append("Accept: text/event-stream")
    match job.kind:
        case "state" | "updates" | "apps":
            path = "control/apps" if job.kind == "apps" else job.kind
            return _head(f"GET /api/{path}", headers)
        case "create":
            json = [*headers, "Content-Type: application/json"]
            return _head("POST /api/sessions", json, orjson.dumps({"app": job.app}))
        case "completion" | "completion_stream" | "response" | "response_stream":
            return _to_openai_door(job, session, text)
        case _:
            return _head(f"POST /api/chat?app={job.app}&message={quote(text)}", headers, b"")


def _to_openai_door(job: Job, session: str, text: str) -> bytes:
    headers = [f"X-Session-Id: {session}", f"Authorization: Bearer {job.key}", "Content-Type: application/json"]
    content = {"model": job.app, "stream": job.kind.endswith("stream")}
    if job.kind.startswith("response"):
        return _head("POST /v1/responses", headers, orjson.dumps({**content, "input": text}))
    messages = [{"role": "user", "content": text}]
    return _head("POST /v1/chat/completions", headers, orjson.dumps({**content, "messages": messages}))


def _head(line: str, headers: list[str], body: bytes | None = None) -> bytes:
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    return "\r\n".join([f"{line} HTTP/1.1", "Host: 127.0.0.1", *headers, *length, "\r\n"]).encode() + (body or b"")


def _fault(kind: Kind, status: int, body: bytes, text: str) -> str:
    """Describe what is wrong with a response; a turn counts only if the reply to its own message is included."""
    if status != 200:
        return f"HTTP {status}"
    if kind == "turn":
        message_position = body.rfind(text.encode())
        if b'"is_processing":false' not in body or message_position < 0 or body.find(REPLY_END, message_position) < 0:
            return "the answer came before its turn had ended"
    if kind in {"completion", "response"} and REPLY_END not in body:
        return "the answer came before its turn had ended"
    if kind in {"completion_stream", "response_stream"} and not body.rstrip(b"\r\n0").endswith(b"data: [DONE]"):
        return "the stream ended before its turn had"
    if kind == "stream" and (b'"is_processing":false' not in body or REPLY_END not in body):
        return "the stream ended before its turn had"
    return ""


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    outcome = uvloop.run(Generator(Job(**orjson.loads(sys.stdin.readline()))).run())
    sys.stdout.write(orjson.dumps(outcome).decode() + "\n")
