"""What one caller may use of one worker: calls per second and open event streams."""

from collections.abc import Callable
from contextlib import ExitStack

import httpx2
import pytest

from apps_registry.models import App
from keys.models import Refusal
from tests import factories
from tests.client import Client
from tests.model_server import Reply, ScriptedModel, chunk
from tests.product import Server
from tests.sse import Updates
from tests.waiting import wait_until

HERE, ELSEWHERE = "198.51.100.7", "198.51.100.8"


@pytest.fixture
def guarded(serve: Callable[..., Server]) -> Server:
    """One worker with low limits, behind a proxy that names the clients."""
    return serve(
        TRUSTED_PROXIES="127.0.0.1",
        CALLS_PER_SECOND_PER_ADDRESS="5",
        CALLS_PER_SECOND_PER_KEY="6",
        STREAMS_PER_ADDRESS="2",
        STREAMS_PER_KEY="3",
    )


class From(Client):
    """A client at a network address."""

    def __init__(self, server: Server, address: str, key: str | None = None) -> None:
        super().__init__(server.url, key=key)
        self.http.headers["X-Forwarded-For"] = address

    def ask(self, number: int) -> list[httpx2.Response]:
        return [self.request("GET", "/api/state") for _ in range(number)]


class UpdatesFrom(Updates):
    """A stream of a client at a network address."""

    def __init__(self, client: From) -> None:
        super().__init__(client)
        self._headers["X-Forwarded-For"] = client.http.headers["X-Forwarded-For"]


def rule_of(answer: httpx2.Response) -> str:
    request_id = answer.headers["X-Request-Id"]
    wait_until(lambda: Refusal.objects.filter(request_id=request_id).exists())
    return Refusal.objects.get(request_id=request_id).rule


def is_refused(answers: list[httpx2.Response]) -> bool:
    """Whether some calls were refused; on a slow machine, not every call beyond the limit is."""
    return 429 in {answer.status_code for answer in answers}


def test_calls_without_a_key_have_a_ceiling_per_address(guarded: Server, app: App) -> None:
    answers = From(guarded, HERE).ask(120)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert [answer.status_code for answer in answers[:50]] == [200] * 50  # the calls of ten seconds at once
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert rule_of(refused[0]) == "calls_of_address"
    assert From(guarded, ELSEWHERE).ask(1)[0].status_code == 200
    assert From(guarded, HERE, factories.make_key(app).plain).ask(1)[0].status_code == 200


def test_addresses_of_one_ipv6_network_are_one_caller(guarded: Server) -> None:
    first = From(guarded, "2001:db8:1:2::1").ask(100)
    assert is_refused(first)
    assert is_refused(From(guarded, "2001:db8:1:2:ffff::9").ask(30))  # fewer than the caller may make at once
    assert From(guarded, "2001:db8:1:3::1").ask(1)[0].status_code == 200


def test_calls_with_a_key_have_a_ceiling_of_their_own(guarded: Server, app: App) -> None:
    key, other = factories.make_key(app).plain, factories.make_key(app).plain
    answers = From(guarded, "198.51.100.9", key).ask(150)
    assert is_refused(answers)
    assert rule_of(next(answer for answer in answers if answer.status_code == 429)) == "calls_of_key"
    assert is_refused(From(guarded, "198.51.100.10", key).ask(40))  # fewer than the caller may make at once
    assert From(guarded, "198.51.100.9", other).ask(1)[0].status_code == 200


def test_three_tabs_that_poll_twice_a_second_never_notice(server: Server) -> None:
    """The default ceiling allows a minute of polling at once, which is more than three tabs need."""
    with Client(server.url) as client:
        assert {client.request("GET", "/api/state").status_code for _ in range(360)} == {200}


def test_event_streams_are_limited_per_address_and_per_key(guarded: Server, app: App) -> None:
    keyless, elsewhere = "198.51.100.20", "198.51.100.21"
    key = factories.make_key(app).plain
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(UpdatesFrom(From(guarded, keyless)))
        refused = From(guarded, keyless).request("GET", "/api/updates")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert rule_of(refused) == "streams_of_address"
        assert From(guarded, keyless).ask(1)[0].status_code == 200  # streams only
        stack.enter_context(UpdatesFrom(From(guarded, elsewhere)))
        for address in (keyless, elsewhere, keyless):
            stack.enter_context(UpdatesFrom(From(guarded, address, key)))
        refused = From(guarded, "198.51.100.22", key).request("GET", "/api/updates")
        assert (refused.status_code, rule_of(refused)) == (429, "streams_of_key")
    wait_until(lambda: opens(guarded, keyless))  # the ended ones no longer count


def opens(server: Server, address: str) -> bool:
    client = From(server, address)
    with client.http.stream("GET", "/api/updates", headers={"X-Session-Id": client.session_id}) as answer:
        return answer.status_code == 200


def test_callers_without_a_key_cannot_occupy_all_streams_of_a_worker(start: Callable[..., Server], app: App) -> None:
    server = start(ulimit="-n 160", TRUSTED_PROXIES="127.0.0.1")
    key = factories.make_key(app).plain
    with ExitStack() as stack:
        for number in range(200):
            client = From(server, f"198.51.100.{number}")
            headers = {"X-Session-Id": client.session_id}
            answer = stack.enter_context(client.http.stream("GET", "/api/updates", headers=headers))
            if answer.status_code != 200:
                break
        assert answer.status_code == 429
        assert rule_of(answer) == "streams_without_key"
        stack.enter_context(UpdatesFrom(From(server, HERE, key)))


def test_streams_that_a_body_or_query_asks_for_are_limited_too(
    start: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    server = start(ulimit="-n 160", TRUSTED_PROXIES="127.0.0.1")
    callers = [From(server, f"198.51.100.{number}", factories.make_key(app).plain) for number in range(3)]
    model.will(Reply([chunk({"content": "Half"})], then="hang"))
    body = {"model": app.slug, "input": "Slowly.", "background": True}
    path = f"/v1/responses/{callers[0].request('POST', '/v1/responses', json=body).json()['id']}"
    with ExitStack() as stack:
        for number in range(200):
            caller = callers[number % len(callers)]
            key = {"Authorization": f"Bearer {caller.key}"}
            answer = stack.enter_context(caller.http.stream("GET", path, params={"stream": "true"}, headers=key))
            if answer.status_code != 200:
                break
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert rule_of(answer) == "streams_of_worker"
        assert callers[0].request("GET", path).status_code == 200  # streams only
    callers[0].request("POST", f"{path}/cancel")
