"""What a provider is sent: its own key or none, its headers and options, and how many requests at once."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet

from apps_registry.models import App, Model, Provider
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import Reply, ScriptedModel, calls, chunk, refuses, says, sse
from tests.patience import scaled
from tests.product import Server
from tests.upstream import Upstream

KEY = "sk-canary-9876543210"


def set_up(app: App, **columns: object) -> Provider:
    provider = app.default_model.provider
    for name, value in columns.items():
        setattr(provider, name, value)
    provider.save()
    return provider


def test_a_provider_without_a_key_gets_no_authorization(app_client: Client, model: ScriptedModel) -> None:
    app_client.chat("Hi")
    assert "authorization" not in {name.lower() for name in model.requests[0]["headers"]}


def test_a_stored_key_reaches_its_provider_and_nothing_else(
    start: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    provider = set_up(app)
    provider.set_key(KEY)
    provider.save()
    server = start(LOG_LEVEL="DEBUG")
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        model.will(says("Fine."), Reply([b"data: {" + KEY.encode()]))
        answers = [client.post_chat("Hi"), client.post_chat("Hi"), client.request("GET", "/api/state")]
    assert [answer.status_code for answer in answers] == [200, 502, 200]
    assert [request["headers"]["Authorization"] for request in model.requests] == [f"Bearer {KEY}"] * 2
    assert KEY not in str([request["messages"] for request in model.requests])
    server.stop()
    assert "POST /api/chat 200" in server.log
    turn = Turn.objects.filter(app=app).latest("started_at")
    for text in (server.log, *(answer.text for answer in answers), turn.error_detail):
        assert KEY not in text
        assert provider.api_key_token not in text


def test_a_key_follows_the_rotation_of_the_keys_that_keep_it(
    start: Callable[..., Server], app: App, model: ScriptedModel, environment: dict[str, str]
) -> None:
    from tests.commands import run_manage

    provider = set_up(app)
    provider.set_key(KEY)
    provider.save()
    new, old = Fernet.generate_key().decode(), environment["SECRETS_KEYS"]
    rotated = run_manage("rotate_secrets", environment={**environment, "SECRETS_KEYS": f"{new},{old}"})
    assert provider.slug not in rotated.err
    token, provider.api_key_token = provider.api_key_token, Provider.objects.get(pk=provider.pk).api_key_token
    assert token != provider.api_key_token
    key = factories.make_key(app).plain
    with Client(start(SECRETS_KEYS=new).url, app=app.slug, key=key) as client:
        client.chat("Hi")
    assert model.requests[0]["headers"]["Authorization"] == f"Bearer {KEY}"
    lost = run_manage("rotate_secrets", environment={**environment, "SECRETS_KEYS": Fernet.generate_key().decode()})
    assert f"The key of the provider {provider.slug} cannot be read" in lost.err
    assert KEY not in rotated.out + lost.out + lost.err


def test_a_key_that_is_missing_is_an_error_and_not_a_call(app_client: Client, app: App, model: ScriptedModel) -> None:
    set_up(app, api_key_env="TEST_ABSENT_KEY")
    answer = app_client.post_chat("Hi")
    assert (answer.status_code, answer.json()["code"]) == (502, "model_error")
    assert answer.json()["detail"] == "The key of the model's provider is not set up on this server."
    assert model.requests == []
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert turn.attempts == [{"model": app.default_model.name, "code": "no_key"}]
    # A token that was encrypted for another address or provider cannot be decrypted.
    provider = set_up(app, api_key_env="")
    other = factories.make_app(base_url="http://127.0.0.1:9/v1").default_model.provider
    other.set_key(KEY)
    set_up(app, api_key_token=other.api_key_token)
    assert app_client.post_chat("Hi").json()["detail"] == answer.json()["detail"]
    provider.set_key(KEY)
    set_up(app, api_key_token=provider.api_key_token)
    app_client.chat("Hi")
    assert model.requests[0]["headers"]["Authorization"] == f"Bearer {KEY}"


def test_no_redirect_takes_the_key_elsewhere(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    provider = set_up(app)
    provider.set_key(KEY)
    provider.save()
    for status in ("301", "302", "303", "307", "308"):
        model.will(refuses(int(status), Location=f"{upstream.url}/v1/chat/completions"))
        assert (
            app_client.post_chat("Hi").json()["detail"]
            == f"The model's provider answered with an error (HTTP {status})."
        )
    assert not upstream.received


def test_no_cookie_of_a_provider_is_kept(app_client: Client, app: App, model: ScriptedModel) -> None:
    provider = app.default_model.provider  # clients store cookies only for hosts with a name
    set_up(app, base_url=provider.base_url.replace("127.0.0.1", "localhost"))
    fine = says("Fine.")
    fine.headers = {**fine.headers, "Set-Cookie": "session=canary; Path=/"}
    model.will(fine, fine, fine, fine)
    for _ in range(4):  # on two workers
        app_client.chat("Hi")
    assert all("Cookie" not in request["headers"] for request in model.requests)
    assert len(model.requests) == 4


def test_headers_and_options_are_sent(app_client: Client, app: App, model: ScriptedModel) -> None:
    set_up(app, headers={"X-Team": "blue", "Authorization": "Custom abc"})
    options = {"reasoning_effort": "low", "temperature": 1.5}
    Model.objects.filter(pk=app.default_model_id).update(request_options=options)
    App.objects.filter(pk=app.pk).update(temperature=0.5)
    app_client.chat("Hi")
    request = model.requests[0]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert (headers["x-team"], headers["authorization"]) == ("blue", "Custom abc")
    assert (request["reasoning_effort"], request["temperature"]) == ("low", 0.5)  # the App's own value applies


def test_the_limit_of_simultaneous_requests_holds(start: Callable[..., Server], app: App, model: ScriptedModel) -> None:
    set_up(app, max_concurrent=2)
    gate = threading.Event()
    model.will(*[Reply([chunk({"content": "Yes."}), gate, chunk({}, "stop")]) for _ in range(3)])
    server, key = (
        start(MODEL_FIRST_TOKEN_TIMEOUT_SECONDS="20", TURN_TIMEOUT_SECONDS="20"),
        factories.make_key(app).plain,
    )
    clients = [Client(server.url, app=app.slug, key=key) for _ in range(3)]
    for client in clients:
        client.request("POST", "/api/chat", params={"message": "Hi", "app": app.slug}, headers={"Prefer": "wait=0"})
    deadline = time.monotonic() + scaled(5)
    while len(model.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(scaled(0.3))
    assert len(model.requests) == 2
    gate.set()
    assert [texts(client.poll())[-1] for client in clients] == [("agent", "Yes.")] * 3
    assert len(model.requests) == 3
    for client in clients:
        client.http.close()


def test_a_provider_may_be_given_more_or_less_time(app_client: Client, app: App, model: ScriptedModel) -> None:
    set_up(app, first_token_seconds=scaled(3.5), gap_seconds=scaled(0.2))
    model.will(Reply([2.0, chunk({"content": "Slow."}), chunk({}, "stop")]))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "Slow.")  # the tests' own limit is 1.5 s
    model.will(Reply([chunk({"content": "Slow."}), 1.0, chunk({}, "stop")]))
    assert app_client.post_chat("Hi").status_code == 504


def test_a_turn_has_its_cost(app_client: Client, app: App, model: ScriptedModel) -> None:
    app_client.chat("Hi")
    assert Turn.objects.get(session_id=app_client.uuid).cost is None  # no prices
    Model.objects.filter(pk=app.default_model_id).update(prompt_price="0.15", completion_price="0.6")
    usage = {"prompt_tokens": 100, "completion_tokens": 7}
    called = calls(("calculate", {"expression": "1+1"}))
    model.will(Reply([*called.parts[:-1], sse({"choices": [], "usage": usage})]), says("Two", ".", prompt_tokens=200))
    app_client.chat("1+1?")
    turn = Turn.objects.filter(session_id=app_client.uuid).latest("started_at")
    assert (turn.prompt_tokens, turn.completion_tokens) == (300, 9)
    assert turn.cost == (300 * Decimal("0.15") + 9 * Decimal("0.6")) / 1_000_000


@pytest.mark.parametrize("count", [-5, 2.5, "many", None, 10**30])
def test_an_invalid_token_count_does_not_affect_the_answer(
    app_client: Client, app: App, model: ScriptedModel, count: object
) -> None:
    Model.objects.filter(pk=app.default_model_id).update(prompt_price="1", completion_price="1")
    usage = {"prompt_tokens": count, "completion_tokens": 3}
    model.will(Reply([chunk({"content": "Fine."}), chunk({}, "stop"), sse({"choices": [], "usage": usage})]))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "Fine.")
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.prompt_tokens, turn.completion_tokens, turn.cost) == (None, 3, Decimal("0.000003"))


def test_an_app_answers_in_its_language(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(preamble="Be brief.", reply_language="French")
    app_client.chat("Hi")
    instructions = "Be brief.\n\nAlways answer in French, whatever language the user writes in."
    assert model.prompts[0][0]["content"].startswith(instructions)
