"""The floods of bench/abuse.py: what callers without a valid key send, by name."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.context import Bench
from bench.load.flood import Flood
from bench.servers import ROOT, Server

APPS = "GET /api/control/apps"
PER_SECOND = 500
STREAMS, STREAMS_PER_SECOND = 3000, 1000
MAKE_KEYS = """
import django; django.setup()
from apps_registry.models import App
from keys import crypto
from keys.services import issue_key
for number in range({count}):
    prefix = {prefix}
    body = prefix + crypto.make_key("x").secret
    print(body + crypto.checksum(body))
"""
ISSUED, MADE_UP = 'issue_key(label="flooded", apps=App.objects.all()[:1]).app_key.prefix', 'crypto.make_key("x").prefix'


@dataclass(frozen=True)
class NamedFlood:
    """A flood without a port and a number of calls, and a phrase that describes it."""

    description: str
    flood: Flood

    def against(self, port: int, seconds: int) -> Flood:
        """Return the flood of one server for about this number of seconds; streams are opened once and stay open."""
        count = STREAMS if self.flood.holds else int(self.flood.per_second * seconds)
        return replace(self.flood, port=port, count=count)


def good(bench: Bench, server: Server, per_second: int, seconds: int) -> Flood:
    """Return the calls of the holder of a valid key."""
    headers = [_with_key(bench.key)]
    return Flood(server.port, [APPS], headers, per_second, per_second * seconds, watched=server.worker)


def _bad_keys(bench: Bench) -> NamedFlood:
    return _of_keys(f"{PER_SECOND} bad keys a second: 50 right ids, wrong secrets", _keys(bench, 50, ISSUED))


def _made_up_keys(bench: Bench) -> NamedFlood:
    return _of_keys(f"{PER_SECOND} bad keys a second: 5,000 ids that were never issued", _keys(bench, 5000, MADE_UP))


def _of_keys(description: str, keys: list[str]) -> NamedFlood:
    return NamedFlood(description, Flood(0, [APPS], [_with_key(key) for key in keys], PER_SECOND, 0))


def _keyless(addresses: int) -> NamedFlood:
    headers = [
        {
            "x-session-id": str(uuid.uuid4()),
            "x-forwarded-for": f"198.18.{number % addresses // 250}.{number % addresses % 250}",
        }
        for number in range(10_000)
    ]
    words = f"{PER_SECOND} new sessions a second without a key from {addresses} address{'es' if addresses > 1 else ''}"
    return NamedFlood(words, Flood(0, ["POST /api/sessions"], headers, PER_SECOND, 0))


def _streams(bench: Bench) -> NamedFlood:
    headers = [{"x-session-id": str(uuid.uuid4())} for _ in range(STREAMS)]
    flood = Flood(0, ["GET /api/updates"], headers, STREAMS_PER_SECOND, STREAMS, holds=True)
    return NamedFlood(f"{STREAMS:,} idle streams without a key from 1 address", flood)


FLOODS: dict[str, Callable[[Bench], NamedFlood]] = {
    "keys": _bad_keys,
    "made-up-keys": _made_up_keys,
    "address": lambda _: _keyless(1),
    "addresses": lambda _: _keyless(500),
    "streams": _streams,
}


def _with_key(key: str) -> dict[str, str]:
    return {"aomi-app-key": key, "x-session-id": str(uuid.uuid4())}


def _keys(bench: Bench, count: int, prefix: str) -> list[str]:
    full = {**os.environ, **bench.environment(), "DJANGO_SETTINGS_MODULE": "aomi_site.settings"}
    command = [sys.executable, "-c", MAKE_KEYS.format(count=count, prefix=prefix)]
    return subprocess.run(command, cwd=ROOT, env=full, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
