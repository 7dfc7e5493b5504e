"""Limits are exact, across workers and however a turn ends; a refusal names the limit and when to retry."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import httpx2
import pytest

from apps_registry.models import App, Model
from keys.limits.fuse import pull_fuse, reset_fuse
from keys.limits.values import KEYLESS, app_subject, key_subject
from keys.models import NO_KEY, AppKey, LimitState, Usage
from keys.services import IssuedKey
from sessions_app.models import Turn
from tests import accounts, factories
from tests.accounts import limit, state
from tests.client import Client
from tests.commands import Result
from tests.faults.conftest import workers_at_model
from tests.model_server import ModelServer, Reply, ScriptedModel, calls, chunk, refuses, says
from tests.product import NO_TLS, Server
from tests.upstream import Upstream
from tests.waiting import wait_until

ASYNC = {"Prefer": "respond-async"}
SMALL_REPLY = 100  # tokens


@pytest.fixture
def small(model_server: ModelServer) -> App:
    """An App whose turns reserve little: short answers, one small prompt."""
    app = factories.make_app(base_url=model_server.base_url, max_reply_tokens=SMALL_REPLY, history_budget_tokens=1_000)
    app.tools.all().delete()
    return app


@pytest.fixture
def key(small: App) -> IssuedKey:
    return factories.make_key(small)


@pytest.fixture
def model(small: App, model_server: ModelServer) -> ScriptedModel:
    return ScriptedModel(model_server, small.default_model.provider_model_id)


@pytest.fixture
def caller(server: Server, small: App, key: IssuedKey) -> Iterator[Client]:
    with Client(server.url, app=small.slug, key=key.plain) as client:
        yield client


def subject_of(key: IssuedKey) -> str:
    return key_subject(key.app_key.pk)


def at_once(server: Server, app: App, key: IssuedKey, count: int) -> list[httpx2.Response]:
    """Send this many messages at the same time, each in a new session."""

    def one(_: int) -> httpx2.Response:
        with Client(server.url, app=app.slug, key=key.plain) as client:
            return client.post_chat("Well?")

    with ThreadPoolExecutor(40) as threads:
        return list(threads.map(one, range(count)))


def test_a_limit_that_lets_no_call_through_is_refused_with_the_number_that_would(
    server: Server, model_server: ModelServer, manage: Callable[..., Result]
) -> None:
    row = factories.make_model(model_server.base_url)
    app = factories.make_app(base_url=model_server.base_url, default_model=row)
    issue = ["issue_key", app.slug, "--label", "x", "--json"]
    refused = manage(*issue, "--tokens-per-day", "500")
    named = re.search(rf"One call to {app.slug} may need up to ([\d,]+) tokens", refused.err)
    assert named is not None, refused.err
    least = int(named[1].replace(",", ""))
    assert not AppKey.objects.filter(apps=app).exists()  # no key is issued without the requested limit
    assert "lets no call through" in manage(*issue, "--tokens-per-day", str(least - 1)).err
    key = json.loads(manage(*issue, "--tokens-per-day", str(least + len("Hi"))).out)["key"]
    ScriptedModel(model_server, row.name).will(says("One"))
    with Client(server.url, app=app.slug, key=key) as client:
        assert client.post_chat("Hi").status_code == 200
    prefix = AppKey.objects.get(apps=app).prefix
    assert "lets no call through" in manage("change_key", prefix, "--tokens-per-month", "500").err


def test_200_calls_at_once_against_a_limit_of_50_pass_exactly_50(server: Server, small: App, key: IssuedKey) -> None:
    limit(subject_of(key), requests_per_minute=1, burst=50, concurrent_turns=1_000, tokens_per_day=10**9)
    started = time.monotonic()
    answers = at_once(server, small, key, 200)
    counts = Counter(answer.status_code for answer in answers)
    refilled = int((time.monotonic() - started) / 60)  # one per minute passes later, on a very slow machine
    assert 50 <= counts[200] <= 50 + refilled
    assert counts[200] + counts[429] == 200
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    assert "this App key is 1 per minute" in refused.json()["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"requests_per_minute";q=1;w=60'
    assert re.fullmatch(r'"requests_per_minute";r=0;t=[1-9]\d?', refused.headers["RateLimit"])
    assert Turn.objects.filter(app=small).count() == counts[200]
    assert state(subject_of(key)).running_turns == 0


def test_parallel_turns_never_pass_a_budget(server: Server, small: App, key: IssuedKey, model: ScriptedModel) -> None:
    """The model uses all that its requests allow, so their sum is the most that it can bill."""
    model.will(*(says(*["word "] * SMALL_REPLY, prompt_tokens=500) for _ in range(60)))
    limit(subject_of(key), tokens_per_day=12_000)
    answers = at_once(server, small, key, 60)
    assert {answer.status_code for answer in answers} == {200, 429}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"budget_exhausted"}
    assert {request["max_tokens"] for request in model.requests} == {SMALL_REPLY}
    used = accounts.tokens_used(small)
    assert used == 600 * len(model.requests)
    assert 0 < used <= 12_000
    counts = state(subject_of(key))
    assert (counts.day_tokens, counts.month_tokens, counts.reserved_tokens) == (used, used, 0)


def test_turns_at_the_same_time(server: Server, small: App, key: IssuedKey, model: ScriptedModel) -> None:
    limit(subject_of(key), concurrent_turns=2)
    go_on = threading.Event()
    model.will(*(Reply([go_on, chunk({"content": "Done."}), chunk({}, "stop")]) for _ in range(3)))
    clients = [Client(server.url, app=small.slug, key=key.plain) for _ in range(3)]
    query = {"message": "Well?", "app": small.slug}
    answers = [client.request("POST", "/api/chat", params=query, headers=ASYNC) for client in clients]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["RateLimit-Policy"] == '"concurrent_turns";q=2;qu="concurrent-requests"'
    go_on.set()
    for client in clients[:2]:
        client.poll()
    clients[2].chat("Now?")
    for client in clients:
        client.http.close()


def test_a_limit_of_the_app_counts_all_its_keys(server: Server, small: App) -> None:
    limit(app_subject(small.pk), requests_per_minute=1, burst=3)
    statuses = []
    for _ in range(4):
        with Client(server.url, app=small.slug, key=factories.make_key(small).plain) as client:
            statuses.append(client.post_chat("Well?").status_code)
    assert statuses == [200, 200, 200, 429]


def test_a_limit_takes_effect_with_the_next_call_and_counts_what_was_used_before(
    caller: Client, key: IssuedKey, small: App, model: ScriptedModel
) -> None:
    model.will(says("One", prompt_tokens=5_000))
    caller.chat("Before there is a limit")
    limit(subject_of(key), tokens_per_month=5_500)
    refused = caller.post_chat("After")
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
    assert "5,500 tokens per month (UTC)" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["RateLimit-Policy"] == '"tokens_per_month";q=5500;qu="tokens";w=2678400'
    limit(subject_of(key), tokens_per_month=50_000)
    wait_until(lambda: caller.post_chat("Raised").status_code == 200, seconds=5)
    assert state(subject_of(key)).month_tokens == accounts.tokens_used(small)


def test_creating_a_session_is_a_request_and_opening_it_again_is_not(
    server: Server, small: App, key: IssuedKey
) -> None:
    limit(subject_of(key), requests_per_minute=1, burst=2)
    made = [Client(server.url, key=key.plain) for _ in range(3)]
    statuses = [client.request("POST", "/api/sessions").status_code for client in made]
    assert statuses == [200, 200, 429]
    assert made[0].request("POST", "/api/sessions").status_code == 200
    for client in made:
        client.http.close()


def test_money_is_limited_by_prices_and_refused_without_them(
    caller: Client, small: App, key: IssuedKey, model: ScriptedModel
) -> None:
    limit(subject_of(key), money_per_day=Decimal(6))
    refused = caller.post_chat("Without a price")
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
    assert "no price" in refused.json()["detail"]
    small.default_model.prompt_price = small.default_model.completion_price = Decimal(1_000)
    small.default_model.save()
    model.will(says("One", prompt_tokens=1_999), says("Two", prompt_tokens=1_999))
    assert [caller.post_chat(message).status_code for message in ("One", "Two")] == [200, 200]
    assert state(subject_of(key)).day_money == 4
    refused = caller.post_chat("Three")
    assert refused.status_code == 429
    assert refused.headers["RateLimit-Policy"] == '"money_per_day";q=6000000;qu="money-millionths";w=86400'


def test_every_end_of_a_turn_releases_its_reservation(
    server: Server, small: App, key: IssuedKey, model: ScriptedModel
) -> None:
    limit(subject_of(key), tokens_per_day=10**6)
    limit(app_subject(small.pk), tokens_per_day=10**6)
    ends = {
        "completed": says("Fine."),
        "without counts": Reply([chunk({"content": "Fine."}), chunk({}, "stop")]),
        "refused by the provider": refuses(400),
        "cut off": Reply([chunk({"content": "Half"})], then="cut"),
        "silent": Reply([chunk({"content": "Half"})], then="hang"),
    }
    for reply in ends.values():
        model.will(reply)
        with Client(server.url, app=small.slug, key=key.plain) as client:
            client.post_chat("Well?")
    with Client(server.url, app=small.slug, key=key.plain) as client:
        query = {"message": "Interrupted", "app": small.slug}
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        client.request("POST", "/api/chat", params=query, headers=ASYNC)
        client.request("POST", "/api/interrupt")
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        client.request("POST", "/api/chat", params=query, headers=ASYNC)
        deleted = Turn.objects.get(session_id=client.uuid, status="running").reserved_tokens
        client.request("DELETE", f"/api/sessions/{client.session_id}")
    accounts.assert_settled(small)
    counts = [state(subject) for subject in (subject_of(key), app_subject(small.pk))]
    unreported = list(Turn.objects.filter(app=small).order_by("started_at").values_list("unreported_tokens", flat=True))
    assert [bool(tokens) for tokens in unreported] == [False, True, False, True, True]
    for count in counts:
        assert (count.running_turns, count.reserved_tokens, count.reserved_money) == (0, 0, Decimal(0))
        assert (
            count.day_tokens
            == accounts.usage_of(small)["prompt_tokens"]
            + accounts.usage_of(small)["completion_tokens"]
            + accounts.usage_of(small)["unreported_tokens"]
        )
    assert deleted > SMALL_REPLY
    assert accounts.usage_of(small)["turns"] == 7


def test_each_round_reserves_its_share_and_a_spent_budget_ends_the_turn(
    caller: Client, small: App, key: IssuedKey, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_http_tool(small, f"{upstream.url}/big", name="read_all")
    App.objects.filter(pk=small.pk).update(allowed_hosts=upstream.host)
    limit(subject_of(key), tokens_per_day=20_000)
    model.will(*(calls(("read_all", {})) for _ in range(20)))
    answer = caller.request("POST", "/api/chat", params={"message": "Read", "app": small.slug})
    assert (answer.status_code, answer.json()["code"]) == (429, "budget_exhausted")
    assert answer.headers["RateLimit-Policy"].startswith('"tokens_per_day";q=20000')
    turn = Turn.objects.get(session_id=caller.uuid)
    assert (turn.status, turn.error_code) == ("failed", "budget_exhausted")
    assert turn.tool_rounds >= 1
    counts = state(subject_of(key))
    assert (counts.running_turns, counts.reserved_tokens) == (0, 0)
    assert counts.day_tokens <= 20_000


def test_the_reservations_of_a_killed_worker_are_released(
    start: Callable[..., Server], small: App, key: IssuedKey, model: ScriptedModel, model_server: ModelServer
) -> None:
    limit(subject_of(key), concurrent_turns=1, tokens_per_day=10**6)
    server = start(workers=2, MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60")
    with Client(server.url, app=small.slug, key=key.plain) as client:
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        client.request("POST", "/api/chat", params={"message": "Well?", "app": small.slug}, headers=ASYNC)
        wait_until(lambda: len(model.requests) == 1)
        assert client.post_chat("Another").status_code == 409
        (pid,) = [pid for pid, turns in workers_at_model(server, model_server).items() if turns]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: state(subject_of(key)).running_turns == 0, seconds=15)
    counts = state(subject_of(key))
    assert (counts.reserved_tokens, counts.day_tokens) == (0, 0)


def test_two_workers_obey_a_new_limit_at_the_next_call(server: Server, small: App, key: IssuedKey) -> None:
    assert at_once(server, small, key, 4)[0].status_code == 200
    limit(subject_of(key), concurrent_turns=0 + 1, requests_per_minute=1, burst=1)
    assert sorted(answer.status_code for answer in at_once(server, small, key, 8)) == [200, *[429] * 7]


FEW = {"KEYLESS_REQUESTS_PER_MINUTE": "1", "KEYLESS_BURST": "5", "KEYLESS_CONCURRENT_TURNS": "3"}


def test_callers_without_a_key_are_limited_by_address_and_in_total(serve: Callable[..., Server]) -> None:
    server = serve(workers=2, TRUSTED_PROXIES="127.0.0.1", KEYLESS_TOKENS_PER_DAY="0", **FEW)

    def chat(address: str) -> httpx2.Response:
        with Client(server.url) as client:
            query = {"message": "Well?"}
            return client.request("POST", "/api/chat", params=query, headers={"X-Forwarded-For": address})

    def at_once(addresses: list[str]) -> list[httpx2.Response]:
        started = time.monotonic()
        with ThreadPoolExecutor(3) as threads:
            answers = list(threads.map(chat, addresses))
        passed = [answer.status_code for answer in answers].count(200)
        assert 5 <= passed <= 5 + int((time.monotonic() - started) / 60)
        return [answer for answer in answers if answer.status_code == 429]

    refused = at_once(["192.0.2.7"] * 12)
    assert "each address without an App key" in refused[0].json()["detail"]
    assert chat("192.0.2.8").status_code == 200
    # One client controls a whole /64 of IPv6.
    assert len(at_once([f"2001:db8::{number}" for number in range(1, 10)])) >= 1
    assert not Turn.objects.filter(admission__isnull=False).exists()  # no turn keeps an address


@pytest.mark.usefixtures("fuse")
def test_the_fuse_of_all_callers_without_a_key(
    serve: Callable[..., Server], default_model: Model, model_server: ModelServer
) -> None:
    """It opens by itself, says when it closes, and can be pulled and reset by hand, from the next call on."""
    LimitState.objects.filter(subject=KEYLESS).delete()
    today = Usage.objects.filter(app_key_id=NO_KEY, day=datetime.now(UTC).date())
    already = sum(row.prompt_tokens + row.completion_tokens for row in today)
    server = serve(workers=2, KEYLESS_REQUESTS_PER_MINUTE="0", KEYLESS_TOKENS_PER_DAY=str(already + 200_000))
    ScriptedModel(model_server, default_model.provider_model_id).will(says("A lot.", prompt_tokens=190_000))

    def chat() -> httpx2.Response:
        with Client(server.url) as client:
            return client.post_chat("Well?")

    assert chat().status_code == 200
    opened = [chat() for _ in range(4)]
    assert {(answer.status_code, answer.json()["code"]) for answer in opened} == {(429, "budget_exhausted")}
    assert "all callers without an App key together" in opened[0].json()["detail"]
    assert "It resets at" in opened[0].json()["detail"]
    reset_fuse()
    wait_until(lambda: chat().status_code == 200, seconds=5)  # refusals are remembered for a second
    pull_fuse()
    assert {chat().status_code for _ in range(4)} == {429}
    wait_until(lambda: "switched off" in chat().text, seconds=5)  # a worker may remember the earlier refusal
    reset_fuse()
    wait_until(lambda: chat().status_code == 200, seconds=5)


def test_a_limit_of_calls_begins_with_an_empty_count(caller: Client, key: IssuedKey) -> None:
    """Calls from before the limit do not count: there was no rate to exceed."""
    limit(subject_of(key), tokens_per_day=10**9)
    for _ in range(3):
        caller.chat("Hi")
    limit(subject_of(key), tokens_per_day=10**9, requests_per_minute=1, burst=2)
    assert [caller.post_chat("Hi").status_code for _ in range(3)] == [200, 200, 429]


def test_a_provider_that_accepts_no_limit_reserves_the_whole_window(
    caller: Client, small: App, key: IssuedKey, model: ScriptedModel
) -> None:
    small.default_model.request_rules = {"omit": ["max_tokens", "max_completion_tokens"]}
    small.default_model.save()
    limit(subject_of(key), tokens_per_day=small.default_model.context_window)
    assert caller.post_chat("Well?").status_code == 429
    limit(subject_of(key), tokens_per_day=2 * small.default_model.context_window)
    wait_until(lambda: caller.post_chat("Well?").status_code == 200, seconds=5)
    assert not {"max_tokens", "max_completion_tokens"} & model.requests[-1].keys()


ECHO = {
    "type": "function",
    "function": {"name": "where_am_i", "description": "The place.", "parameters": {"type": "object", "properties": {}}},
}


def test_a_turn_that_waits_for_its_client_holds_nothing_and_its_answer_is_admitted_within_the_budget(
    server: Server, small: App, key: IssuedKey, model: ScriptedModel
) -> None:
    """Through another protocol: the pause settles the first round, and what is left decides about the next one."""
    App.objects.filter(pk=small.pk).update(callers_may_bring_tools=True)
    limit(subject_of(key), tokens_per_day=20_000, concurrent_turns=1)
    model.will(calls(("where_am_i", {}), prompt_tokens=500), says("There.", prompt_tokens=500))
    headers = {"Authorization": f"Bearer {key.plain}"}
    said: list[dict[str, object]] = [{"role": "user", "content": "Where?"}]

    def complete() -> httpx2.Response:
        asked = {"model": small.slug, "messages": said, "tools": [ECHO]}
        return httpx2.post(f"{server.url}/v1/chat/completions", json=asked, headers=headers, verify=NO_TLS, timeout=60)

    asks = complete()
    assert asks.status_code == 200, asks.text
    waiting = state(subject_of(key))
    assert (waiting.running_turns, waiting.reserved_tokens) == (0, 0)
    assert waiting.day_tokens == accounts.tokens_used(small) >= 500
    message = asks.json()["choices"][0]["message"]
    said += [message, {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "Here"}]
    limit(subject_of(key), tokens_per_day=waiting.day_tokens + SMALL_REPLY)
    refused = complete()
    assert refused.status_code == 429, refused.text
    assert len(model.requests) == 1
    limit(subject_of(key), tokens_per_day=20_000)
    wait_until(lambda: complete().status_code == 200, seconds=5)  # a worker remembers a refusal for a second
    counts = state(subject_of(key))
    assert (counts.running_turns, counts.reserved_tokens) == (0, 0)
    assert counts.day_tokens == accounts.tokens_used(small) <= 20_000
