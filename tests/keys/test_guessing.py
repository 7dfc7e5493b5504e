"""Guesses at keys: all get the same answer, they are slowed down, and holders of valid keys are not affected."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from apps_registry.models import App
from keys import crypto, failure_counts, failures
from keys.models import AppKey, KeyFailure
from keys.services import revoke_key
from tests import factories
from tests.client import Client
from tests.patience import scaled
from tests.product import NO_TLS, Server
from tests.sql_proxy import SqlProxy

PATH = "/api/control/apps"
ALLOWED = failures.FAILURES_PER_MINUTE


@pytest.fixture(autouse=True)
def _no_failures_left() -> Iterator[None]:
    """All tests come from one address, whose failures together are limited."""
    KeyFailure.objects.all().delete()
    yield
    KeyFailure.objects.all().delete()


@pytest.fixture
def proxy(database: str) -> Iterator[SqlProxy]:
    counting = SqlProxy(database)
    yield counting
    counting.close()


def guess(plain: str) -> str:
    """Return a well-formed key with the same id and another secret."""
    parts = crypto.parse_key(plain)
    assert parts is not None
    body = parts.prefix + crypto.make_key("x").secret
    return body + crypto.checksum(body)


def ask(server: Server, key: str) -> httpx2.Response:
    return server.get(PATH, headers={"AOMI-APP-KEY": key, "X-Session-Id": "550e8400-e29b-41d4-a716-446655440000"})


def statuses(server: Server, key: str, number: int) -> list[int]:
    return [ask(server, key).status_code for _ in range(number)]


async def all_at_once(server: Server, keys: Sequence[str]) -> list[int]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=server.url, verify=NO_TLS, timeout=scaled(30), limits=limits) as http:
        calls = [http.get("/api/key", headers={"AOMI-APP-KEY": key}) for key in keys]
        return [answer.status_code for answer in await asyncio.gather(*calls)]


def reads_and_counts(proxy: SqlProxy) -> int:
    return len([text for text in proxy.statements if "lookup_id" in text])


def revoked(app: App) -> str:
    issued = factories.make_key(app)
    revoke_key(issued.app_key)
    return issued.plain


def of_an_earlier_release(app: App) -> str:
    issued = factories.make_key(app)
    AppKey.objects.filter(pk=issued.app_key.pk).update(secret_check=None)
    return issued.plain


GUESSES: dict[str, Callable[[App], str]] = {
    "an unknown id": lambda app: crypto.make_key(app.slug).plain,
    "a wrong secret": lambda app: guess(factories.make_key(app).plain),
    "a wrong secret for a key of an earlier release": lambda app: guess(of_an_earlier_release(app)),
    "a revoked key": revoked,
    "an expired key": lambda app: factories.make_key(app, expired_at=datetime.now(UTC) - timedelta(seconds=1)).plain,
}


@pytest.mark.parametrize("name", GUESSES)
def test_all_invalid_keys_get_the_same_answer_and_the_same_throttle(server: Server, app: App, name: str) -> None:
    key = GUESSES[name](app)
    assert statuses(server, key, ALLOWED) == [401] * ALLOWED  # over both workers
    refused = [ask(server, key) for _ in range(4)]
    assert {answer.status_code for answer in refused} == {429}
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)


@pytest.mark.parametrize("make", [lambda app: factories.make_key(app).plain, of_an_earlier_release])
def test_a_guesser_on_the_same_address_does_not_lock_the_holder_out(
    server: Server, app: App, make: Callable[[App], str]
) -> None:
    key = make(app)
    wrong = guess(key)
    assert statuses(server, wrong, ALLOWED + 5)[-1] == 429
    # No worker has verified it yet; each request is a separate connection, so both workers get it.
    assert statuses(server, key, 10) == [200] * 10
    assert statuses(server, wrong, 3) == [429] * 3


def test_a_flood_at_a_blocked_id_costs_no_statement_and_the_holder_passes(
    start: Callable[..., Server], proxy: SqlProxy, app: App
) -> None:
    server = start(DATABASE_URL=proxy.url)
    key = factories.make_key(app).plain
    assert statuses(server, guess(key), ALLOWED + 1)[-1] == 429
    before = reads_and_counts(proxy)
    assert {ask(server, guess(key)).status_code for _ in range(50)} == {429}
    assert reads_and_counts(proxy) == before
    assert ask(server, key).status_code == 200


@pytest.mark.parametrize("path", [PATH, "/v1/models"])
def test_a_blocked_guess_gets_the_same_answer_before_django_as_behind_it(server: Server, app: App, path: str) -> None:
    """A call with an Origin takes the normal path."""
    wrong = guess(factories.make_key(app).plain)
    assert statuses(server, wrong, 2 * (ALLOWED + 1))[-1] == 429  # both workers know
    answers = [
        server.get(path, headers={"AOMI-APP-KEY": wrong, **more}) for more in ({}, {"Origin": "https://x.example.com"})
    ]
    early, normal = [
        (answer.status_code, answer.headers["Retry-After"], without_id(answer.json())) for answer in answers
    ]
    assert early == normal
    assert early[0] == 429


def without_id(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != "request_id"}


def test_simultaneous_guesses_on_both_workers_are_counted_exactly(server: Server, app: App) -> None:
    wrong = guess(factories.make_key(app).plain)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(server, wrong).status_code, range(3 * ALLOWED)))
    assert sorted(answers) == [401] * ALLOWED + [429] * 2 * ALLOWED


def test_simultaneous_guesses_share_the_statement_that_counts_them(
    start: Callable[..., Server], proxy: SqlProxy, app: App
) -> None:
    server, number = start(DATABASE_URL=proxy.url), 40
    with ThreadPoolExecutor(number) as pool:
        keys = [crypto.make_key(app.slug).plain for _ in range(number)]
        assert set(pool.map(lambda key: ask(server, key).status_code, keys)) == {401}
    assert len([text for text in proxy.statements if "keys_keyfailure" in text]) < number
    assert KeyFailure.objects.get(lookup_id="").count == number
    assert set(KeyFailure.objects.exclude(lookup_id="").values_list("count", flat=True)) == {1}


def test_invented_ids_leave_a_bounded_number_of_rows(start: Callable[..., Server], app: App) -> None:
    server = start()  # it knows that the address of all tests is blocked
    most = failure_counts.ADDRESS_FAILURES_PER_MINUTE
    key = factories.make_key(app).plain
    with httpx2.Client(base_url=server.url, verify=NO_TLS, timeout=60) as http, ThreadPoolExecutor(8) as pool:

        def one(_: int) -> int:
            headers = {
                "AOMI-APP-KEY": crypto.make_key("x").plain,
                "X-Session-Id": "550e8400-e29b-41d4-a716-446655440000",
            }
            return http.get(PATH, headers=headers).status_code

        # Enough for one minute's count, even if a slow machine spreads them over two.
        answers = list(pool.map(one, range(most * 2 + 50)))
    assert set(answers) <= {401, 429, 503}
    assert 429 in answers
    assert KeyFailure.objects.exclude(lookup_id="").count() <= most * 2
    assert ask(server, key).status_code == 200  # no worker has verified it yet


def test_a_key_of_an_earlier_release_gets_its_check_when_it_is_first_verified(server: Server, app: App) -> None:
    key = of_an_earlier_release(app)
    with Client(server.url, app=app.slug, key=key) as client:
        client.chat("Hi")
    row = AppKey.objects.latest("created_at")
    parts = crypto.parse_key(key)
    assert parts is not None
    assert row.secret_check == crypto.secret_check(parts.secret)


def test_many_simultaneous_holders_all_pass(server: Server, app: App) -> None:
    keys = [factories.make_key(app).plain for _ in range(100)]
    keys += keys[:1] * 50  # one client with many calls
    assert asyncio.run(all_at_once(server, keys)) == [200] * len(keys)
