"""`python -m bench.abuse`: floods the product on loopback and measures what a holder of a good key notices.

Each flood is bounded; it takes about two minutes. Calls without a key come from one address, or from 500 by the header
of a trusted proxy. The holder asks for its Apps 50 times a second meanwhile.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import orjson

from bench import cpu
from bench.context import QUICK, Bench, prepared
from bench.load.flood import Flood
from bench.load.jobs import pipe
from bench.machine import raise_file_limit
from bench.servers import ROOT, Server, serving

IDS = 50
GOOD_PER_SECOND = 50
BAD_PER_SECOND = 500
APPS = "GET /api/control/apps"
FILES = 16_384
MAKE_KEYS = """
import django; django.setup()
from apps_registry.models import App
from keys import crypto
from keys.services import issue_key
for number in range({count}):
    body = issue_key(label="flooded", apps=App.objects.all()[:1]).app_key.prefix + crypto.make_key("x").secret
    print(body + crypto.checksum(body))
"""


def main() -> None:
    """Run the floods, each on a fresh server, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(FLOODS), default=list(FLOODS), help="which floods")
    parser.add_argument("--seconds", type=int, default=20, help="how long each lasts, and the measurement before it")
    options = parser.parse_args()
    raise_file_limit(FILES)
    with prepared(QUICK) as bench:
        for name in options.only:
            with _product(bench) as server:
                _report(bench, server, FLOODS[name](bench, options.seconds), options.seconds)


def _bad_keys(bench: Bench, seconds: int) -> tuple[str, Flood]:
    name = f"{BAD_PER_SECOND} bad keys a second, right ids and wrong secrets"
    return name, Flood(
        0, [APPS], [_headers(key) for key in _wrong_keys(bench)], BAD_PER_SECOND, BAD_PER_SECOND * seconds
    )


def _keyless(addresses: int, seconds: int) -> tuple[str, Flood]:
    headers = [
        {
            "x-session-id": str(uuid.uuid4()),
            "x-forwarded-for": f"198.18.{number % addresses // 250}.{number % addresses % 250}",
        }
        for number in range(10_000)
    ]
    name = f"10,000 new sessions without a key from {addresses} address{'es' if addresses > 1 else ''}"
    return name, Flood(0, ["POST /api/sessions"], headers, 10_000 / seconds, 10_000)


def _streams(bench: Bench, seconds: int) -> tuple[str, Flood]:
    headers = [{"x-session-id": str(uuid.uuid4())} for _ in range(3000)]
    return "3,000 idle streams without a key from 1 address", Flood(0, ["GET /api/updates"], headers, 1000, 3000, True)


FLOODS: dict[str, Callable[[Bench, int], tuple[str, Flood]]] = {
    "keys": _bad_keys,
    "address": lambda bench, seconds: _keyless(1, seconds),
    "addresses": lambda bench, seconds: _keyless(500, seconds),
    "streams": _streams,
}


def _report(bench: Bench, server: Server, named: tuple[str, Flood], seconds: int) -> None:
    name, flood = named
    good = Flood(server.port, [APPS], [_headers(bench.key)], GOOD_PER_SECOND, GOOD_PER_SECOND * seconds)
    _run(good)  # warms up
    alone = _run(good)
    memory = cpu.memory_bytes(server.worker)
    used, of_postgres = server.cpu_seconds(), cpu.cpu_seconds(bench.postgres.pid)
    with _started(Flood(**{**asdict(flood), "port": server.port})) as running:
        if flood.holds:
            pipe(running.stdout).readline()
        meanwhile = _run(good)
        pipe(running.stdin).write(b"end\n")
        pipe(running.stdin).flush()
        answers = orjson.loads(pipe(running.stdout).readline())
    used, of_postgres = server.cpu_seconds() - used, cpu.cpu_seconds(bench.postgres.pid) - of_postgres
    sys.stdout.write(
        f"\n{name}\n"
        f"  answers: {answers['statuses']} in {answers['seconds']:.1f} s, p50 {answers['p50']:.1f} ms\n"
        f"  good key alone: p50 {alone['p50']:.1f} ms, p99 {alone['p99']:.1f} ms; "
        f"meanwhile: p50 {meanwhile['p50']:.1f} ms, p99 {meanwhile['p99']:.1f} ms, {meanwhile['statuses']}\n"
        f"  processor: server {used:.1f} s, Postgres {of_postgres:.1f} s, both calls included; "
        f"memory {(cpu.memory_bytes(server.worker) - memory) / 2**20:+.1f} MB\n"
    )
    sys.stdout.flush()


def _headers(key: str) -> dict[str, str]:
    return {"aomi-app-key": key, "x-session-id": str(uuid.uuid4())}


def _run(flood: Flood) -> dict[str, Any]:
    with _started(flood) as running:
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


def _wrong_keys(bench: Bench) -> list[str]:
    full = {**os.environ, **bench.environment(), "DJANGO_SETTINGS_MODULE": "aomi_site.settings"}
    command = [sys.executable, "-c", MAKE_KEYS.format(count=IDS)]
    return subprocess.run(command, cwd=ROOT, env=full, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


if __name__ == "__main__":
    main()
