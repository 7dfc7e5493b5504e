"""Invalid keys are indistinguishable, by their answers and by the times that these take: 10,000 calls.

Method: the kinds of bad keys are called in rounds, once each in random order, so whatever else the machine does affects
all of them alike. Every call comes from an address of its own, since failures are counted by address. Of each kind,
the slowest tenth is left out (pauses of the machine). Welch's t-test compares each pair of kinds; |t| < 4.5 is the
threshold of leakage tests of cryptographic devices (Goodwill et al., "A testing methodology for side channel resistance
validation", 2011): equal kinds exceed it about once in 150,000 comparisons.

A key of an earlier version, which no request has used since the upgrade, runs argon2. Its millisecond disappears in the
time that every failure takes, unless the server is so busy that it needs longer; so its answer is compared, but not its
time.
"""

import http.client
import itertools
import math
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from apps_registry.models import App
from keys import crypto
from keys.canaries import make_canary
from keys.models import AppKey, KeyFailure
from keys.services import revoke_key
from keys.verification import FAILURE_SECONDS
from tests import factories
from tests.product import Server

CALLS = 10_000
THREADS = 12
THRESHOLD = 4.5
SESSION = "550e8400-e29b-41d4-a716-446655440000"
VARYING = {"x-request-id", "date", "content-length"}


def wrong_secret(app: App) -> str:
    parts = crypto.parse_key(factories.make_key(app).plain)
    assert parts is not None
    body = parts.prefix + crypto.make_key("x").secret
    return body + crypto.checksum(body)


def of_an_earlier_version(app: App) -> str:
    key = wrong_secret(app)
    AppKey.objects.filter(pk=AppKey.objects.latest("id").pk).update(secret_check=None)
    return key


def revoked(app: App) -> str:
    issued = factories.make_key(app)
    revoke_key(issued.app_key)
    return issued.plain


def expired(app: App) -> str:
    return factories.make_key(app, expired_at=datetime.now(UTC) - timedelta(days=1)).plain


EARLIER = "wrong secret, key of an earlier version"
KINDS: dict[str, Callable[[App], str]] = {
    "unknown id": lambda app: crypto.make_key(app.slug).plain,
    "wrong secret": wrong_secret,
    EARLIER: of_an_earlier_version,
    "revoked": revoked,
    "expired": expired,
    "canary": lambda app: make_canary(label="a test", slug=app.slug)[1],
}
Answer = tuple[int, bytes, frozenset[tuple[str, str]]]


class Caller:
    """Calls in rounds on one connection; remembers times and answers by kind."""

    def __init__(self, port: int, keys: dict[str, str], number: int) -> None:
        self.times: dict[str, list[float]] = {kind: [] for kind in keys}
        self.answers: set[Answer] = set()
        self._keys, self._number = keys, number
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._random = random.Random(number)

    def call(self, rounds: int) -> None:
        for of_round in range(rounds):
            kinds = list(self._keys)
            self._random.shuffle(kinds)
            for position, kind in enumerate(kinds):
                address = f"10.{self._number}.{of_round % 250}.{of_round // 250 * len(kinds) + position}"
                self.times[kind].append(self._one(self._keys[kind], address))
        self._connection.close()

    def _one(self, key: str, address: str) -> float:
        headers = {"AOMI-APP-KEY": key, "X-Session-Id": SESSION, "X-Forwarded-For": address}
        started = time.perf_counter()
        self._connection.request("GET", "/api/control/apps", headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - started
        request_id = response.headers["X-Request-Id"].encode()
        sent = ((name.lower(), value) for name, value in response.getheaders())
        comparable = frozenset((name, value) for name, value in sent if name not in VARYING)
        self.answers.add((response.status, body.replace(request_id, b""), comparable))
        return seconds


def welch(one: list[float], other: list[float]) -> float:
    """Return Welch's t of two samples without their slowest tenths."""
    cut = [sorted(sample)[: int(len(sample) * 0.9)] for sample in (one, other)]
    means, variances = [*map(statistics.fmean, cut)], [statistics.variance(sample) / len(sample) for sample in cut]
    return (means[0] - means[1]) / math.sqrt(sum(variances))


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    KeyFailure.objects.all().delete()
    return start(TRUSTED_PROXIES="127.0.0.1", CALLS_PER_SECOND_PER_KEY="0")


@pytest.mark.thorough
def test_invalid_keys_are_indistinguishable(server: Server, app: App) -> None:
    keys = {kind: make(app) for kind, make in KINDS.items()}
    callers = [Caller(server.port, keys, number) for number in range(THREADS)]
    rounds = math.ceil(CALLS / THREADS / len(KINDS))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda caller: caller.call(rounds), callers))
    (answer,) = set().union(*(caller.answers for caller in callers))
    assert answer[0] == 401
    times = {kind: [seconds for caller in callers for seconds in caller.times[kind]] for kind in keys}
    assert sum(map(len, times.values())) >= CALLS
    del times[EARLIER]
    assert min(min(sample) for sample in times.values()) >= FAILURE_SECONDS * 0.9  # timers count in whole milliseconds
    told_apart = {
        (one, other): round(t, 1)
        for one, other in itertools.combinations(times, 2)
        if abs(t := welch(times[one], times[other])) >= THRESHOLD
    }
    assert told_apart == {}
    # The method would notice if one kind took a millisecond longer, as argon2 does.
    slower = [seconds + 0.001 for seconds in times["revoked"]]
    spread = statistics.stdev(sorted(slower)[: int(len(slower) * 0.9)])
    if spread < 0.005:  # except on a machine so busy that a millisecond is not noticeable
        assert abs(welch(slower, times["revoked"])) >= THRESHOLD
