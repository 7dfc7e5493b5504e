"""Callers without a key: the exact limit of what an address may store in a day, and the fuse for all of them."""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from apps_registry.models import App
from keys.limits.values import KEYLESS
from keys.models import AddressUse, LimitState
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.product import NO_TLS, Server
from tests.waiting import wait_until

Manage = Callable[..., Result]


@pytest.fixture
def limited(serve: Callable[..., Server]) -> Server:
    """Two workers behind a proxy that names the clients."""
    return serve(
        workers=2,
        TRUSTED_PROXIES="127.0.0.1",
        KEYLESS_SESSIONS_PER_DAY="50",
        KEYLESS_STORED_BYTES_PER_DAY="10000",
        KEYLESS_REQUESTS_PER_MINUTE="0",
        KEYLESS_CONCURRENT_TURNS="0",
    )


class From(Client):
    """A client at a network address, in a new session."""

    def __init__(self, server: Server, address: str, key: str | None = None) -> None:
        super().__init__(server.url, key=key)
        self.http.headers["X-Forwarded-For"] = address

    def notice(self, text: str) -> httpx2.Response:
        return self.request("POST", "/api/system", json={"message": text})


def test_notices_of_an_address_are_limited_by_their_bytes(limited: Server, app: App) -> None:
    address = "203.0.113.20"
    accepted = [From(limited, address).notice("x" * 1000) for _ in range(5)]
    assert [answer.status_code for answer in accepted] == [200] * 5
    refused = From(limited, address).notice("x" * 1000)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert "10,000 bytes a day (UTC)" in refused.json()["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    assert AddressUse.objects.get(address=address).stored_bytes == 10_000
    assert From(limited, "203.0.113.21").notice("x" * 1000).status_code == 200
    assert From(limited, address, factories.make_key(app).plain).notice("x" * 1000).status_code == 200


def test_new_sessions_of_an_address_are_limited_exactly_on_two_workers_at_once(limited: Server) -> None:
    address = "203.0.113.22"
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: begin(limited, address, str(uuid.uuid4())), range(80)))
    assert sorted(statuses) == [200] * 50 + [429] * 30
    assert AddressUse.objects.get(address=address).new_sessions == 50


def begin(server: Server, address: str, session_id: str) -> int:
    headers = {"X-Session-Id": session_id, "X-Forwarded-For": address}
    return httpx2.post(f"{server.url}/api/sessions", headers=headers, verify=NO_TLS, timeout=60).status_code


def test_a_session_that_is_opened_again_is_not_a_new_one(limited: Server) -> None:
    address, session_id = "203.0.113.23", str(uuid.uuid4())
    assert {begin(limited, address, session_id) for _ in range(60)} == {200}
    assert AddressUse.objects.get(address=address).new_sessions == 1


def test_calls_that_a_limit_refuses_use_up_no_sessions_of_the_day(serve: Callable[..., Server]) -> None:
    server = serve(workers=2, TRUSTED_PROXIES="127.0.0.1", KEYLESS_REQUESTS_PER_MINUTE="1", KEYLESS_BURST="3")
    address = "203.0.113.25"
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: begin(server, address, str(uuid.uuid4())), range(30)))
    assert set(statuses) == {200, 429}
    client = From(server, address)
    while client.post_chat("Hi").status_code == 200:  # in a session of its own
        pass
    refused = From(server, address)
    assert refused.post_chat("Hi").status_code == 429
    begun = statuses.count(200) + (client.request("GET", "/api/state").json()["messages"] != [])
    assert AddressUse.objects.get(address=address).new_sessions == begun


def test_the_first_message_begins_a_session_too(limited: Server) -> None:
    client = From(limited, "203.0.113.24")
    for _ in range(2):
        client.chat("Hi")
    assert AddressUse.objects.get(address="203.0.113.24").new_sessions == 1


@pytest.mark.usefixtures("fuse")
def test_the_fuse_is_pulled_and_reset_by_hand(server: Server, app: App, manage: Manage) -> None:
    with Client(server.url) as client, Client(server.url, app=app.slug, key=factories.make_key(app).plain) as holder:
        client.chat("Hi")
        pulled = manage("fuse", "pull", "--for", "2h", "--json")
        closes_at = datetime.fromisoformat(json.loads(pulled.out)["closes_at"])
        assert timedelta(hours=1) < closes_at - datetime.now(UTC) <= timedelta(hours=2)
        for answer in [client.post_chat("Hi") for _ in range(4)]:  # on both workers
            assert answer.status_code == 429
            assert 3600 < int(answer.headers["Retry-After"]) <= 7200
            times = (closes_at, closes_at + timedelta(seconds=1))
            assert any(f"{time:%Y-%m-%d %H:%M} UTC" in answer.json()["detail"] for time in times)
        assert client.state()["messages"]  # reading still works
        holder.chat("Hi")
        assert "closed" in manage("fuse", "reset").out
        wait_until(lambda: client.post_chat("Hi").status_code == 200)  # a worker remembers a refusal for a second


@pytest.mark.usefixtures("fuse")
def test_the_fuse_opens_by_itself_and_says_when_it_closes(start: Callable[..., Server], manage: Manage) -> None:
    server = start(KEYLESS_TOKENS_PER_DAY="50000")
    with Client(server.url) as client:
        client.chat("Hi")
        LimitState.objects.filter(subject=KEYLESS).update(day_tokens=50_000)
        refused = client.post_chat("Hi")
        assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
        midnight = datetime.now(UTC).date() + timedelta(days=1)
        assert f"{midnight:%Y-%m-%d} 00:00 UTC" in refused.json()["detail"]
        manage("fuse", "reset")
        wait_until(lambda: client.post_chat("Hi").status_code == 200)
