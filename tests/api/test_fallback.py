"""When a model fails before its first token, the next one answers, within the same turn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from apps_registry.models import App, Model, Provider
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import DONE, ModelServer, Reply, ScriptedModel, calls, chunk, refuses, says, sse
from tests.product import Server


@dataclass
class Three:
    """An App with two alternatives, and a client of it."""

    app: App
    client: Client
    rows: list[Model]
    models: list[ScriptedModel]

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.rows]

    @property
    def counts(self) -> list[int]:
        """How many requests each model has had."""
        return [len(model.requests) for model in self.models]

    @property
    def turn(self) -> Turn:
        return Turn.objects.filter(session_id=self.client.uuid).latest("started_at")


def make_three(server: Server, model_server: ModelServer, **overrides: Any) -> Three:
    rows = [factories.make_model(model_server.base_url) for _ in range(3)]
    app = factories.make_app(default_model=rows[0], alternatives=rows[1:], **overrides)
    client = Client(server.url, app=app.slug, key=factories.make_key(app).plain)
    return Three(app, client, rows, [ScriptedModel(model_server, row.provider_model_id) for row in rows])


@pytest.fixture
def three(server: Server, model_server: ModelServer) -> Iterator[Three]:
    made = make_three(server, model_server)
    yield made
    made.client.http.close()


ROLE = chunk({"role": "assistant", "content": ""})
PASSING: dict[str, tuple[list[Reply], str]] = {
    "server errors": ([refuses(500)] * 3, "http_500"),
    "a gateway's error": ([refuses(520)] * 3, "http_520"),
    "rate limit for an hour": ([refuses(429, Retry_After="3600")], "http_429"),
    "rate limit until a date": ([refuses(429, Retry_After="Fri, 01 Jan 2100 00:00:00 GMT")], "http_429"),
    "a wrong key": ([refuses(401)], "http_401"),
    "no credit": ([refuses(402)], "http_402"),
    "not for this key": ([refuses(403)], "http_403"),
    "no such model": ([refuses(404)], "http_404"),
    "moved": ([refuses(308, Location="http://127.0.0.1:9/")], "http_308"),
    "silence": ([Reply(then="hang")], "timeout"),
    "silence after the role": ([Reply([ROLE], then="hang")], "timeout"),
}


@pytest.mark.parametrize(("replies", "code"), PASSING.values(), ids=PASSING)
def test_the_next_model_answers(three: Three, replies: list[Reply], code: str) -> None:
    three.models[0].will(*replies)
    three.models[1].will(says("Here."))
    assert texts(three.client.chat("Hi")) == [("user", "Hi"), ("agent", "Here.")]
    assert three.counts == [len(replies), 1, 0]  # after its own retries
    assert (three.turn.model, three.turn.status) == (three.names[1], "completed")
    attempt, *others = list(three.turn.attempts or [])
    assert (attempt["model"], attempt["code"], others) == (three.names[0], code, [])
    assert [prompt[1:] for prompt in three.models[1].prompts] == [[{"role": "user", "content": "Hi"}]]


def test_an_unreachable_model_is_replaced_by_the_next(three: Three) -> None:
    Provider.objects.filter(models=three.rows[0]).update(base_url="http://127.0.0.1:9/v1")
    three.client.chat("Hi")
    assert three.turn.attempts == [{"model": three.names[0], "code": "connect"}]
    assert three.counts == [0, 1, 0]


def test_a_model_whose_key_is_not_set_up(three: Three, server: Server) -> None:
    Provider.objects.filter(models=three.rows[0]).update(api_key_env="NOBODY_SETS_THIS_KEY")
    row = three.rows[1]  # each provider is a separate row
    assert texts(three.client.chat("Hi"))[-1] == ("agent", "Hello.")
    assert three.turn.attempts == [{"model": three.names[0], "code": "no_key"}]
    assert three.turn.model == row.name
    assert f"model {three.names[0]} did not answer: no_key" in server.log


def test_a_short_retry_after_is_waited_for(three: Three) -> None:
    three.models[0].will(refuses(429, Retry_After="1"), says("Back."))
    assert texts(three.client.chat("Hi"))[-1] == ("agent", "Back.")
    assert three.counts == [2, 0, 0]
    assert three.turn.attempts is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply([chunk({"content": "half"})], then="cut"),
        Reply([chunk({"content": "half"})], then="hang"),
        Reply([chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "x"}}]})], then="cut"),
        refuses(400),
        refuses(422),
        Reply([b"data: {oops\n\n", DONE]),
    ],
    ids=["cut", "hang", "cut in a tool call", "bad request", "another bad request", "nonsense"],
)
def test_after_the_first_token_or_a_bad_request_no_other_model_is_asked(three: Three, reply: Reply) -> None:
    three.models[0].will(reply)
    assert three.client.post_chat("Hi").status_code in {502, 504}
    assert three.counts == [1, 0, 0]
    assert (three.turn.status, three.turn.model) == ("failed", three.names[0])


def test_if_all_models_fail_the_turn_fails(three: Three) -> None:
    for model in three.models:
        model.will(*[refuses(503, Retry_After="3600")])
    answer = three.client.post_chat("Hi")
    assert (answer.status_code, answer.json()["code"]) == (502, "model_error")
    assert three.turn.attempts == [{"model": name, "code": "http_503"} for name in three.names]
    assert three.counts == [1, 1, 1]


def test_a_chosen_model_is_asked_first(three: Three) -> None:
    chosen = {"rig": three.names[2], "app": three.app.slug}
    assert three.client.request("POST", "/api/control/model", params=chosen).status_code == 200
    three.models[2].will(refuses(429, Retry_After="60"))
    three.models[0].will(says("The default."))
    assert texts(three.client.chat("Hi"))[-1] == ("agent", "The default.")
    assert three.counts == [1, 0, 1]
    assert (three.turn.model, three.turn.attempts) == (three.names[0], [{"model": three.names[2], "code": "http_429"}])


def test_later_rounds_use_the_model_that_answered(three: Three) -> None:
    for row, price in zip(three.rows, ("100", "1", "10"), strict=True):
        Model.objects.filter(pk=row.pk).update(prompt_price=price, completion_price=price)
    busy = refuses(429, Retry_After="60")
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    called = calls(("calculate", {"expression": "2*3"}))
    three.models[0].will(busy, busy)
    three.models[1].will(Reply([*called.parts[:-1], sse({"choices": [], "usage": usage})]), busy)
    three.models[2].will(says("Six."))
    assert texts(three.client.chat("2*3?"))[-1] == ("agent", "Six.")
    assert three.models[2].prompts[0][-1]["role"] == "tool"
    asked = [attempt["model"] for attempt in three.turn.attempts or ()]
    assert asked == [three.names[0], three.names[1], three.names[0]]
    # Each round at the prices of the model that answered it.
    assert (three.turn.model, three.turn.cost) == (three.names[2], (7 * 1 + 11 * 10) / Decimal(1_000_000))


def test_a_model_without_tools_gets_none(three: Three) -> None:
    Model.objects.filter(pk=three.rows[1].pk).update(supports_tools=False)
    three.models[0].will(calls(("calculate", {"expression": "2*3"})), says("Six."))
    three.client.chat("2*3?")
    three.models[0].will(refuses(429, Retry_After="60"))
    three.client.chat("And now?")
    request = three.models[1].requests[0]
    assert "tools" not in request
    assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user"]
    # It is not asked either after a tool of the same turn has answered.
    three.models[0].will(calls(("calculate", {"expression": "2*4"})), refuses(429, Retry_After="60"))
    three.models[2].will(says("Eight."))
    assert texts(three.client.chat("2*4?"))[-1] == ("agent", "Eight.")
    assert three.counts == [5, 1, 1]


def test_a_smaller_window_gets_a_shorter_history(three: Three) -> None:
    Model.objects.filter(pk=three.rows[1].pk).update(context_window=1024)
    three.models[0].will(says("word " * 700))
    three.client.chat("first")
    three.models[0].will(refuses(429, Retry_After="60"))
    three.client.chat("second")
    assert [message["content"] for message in three.models[1].prompts[0][1:]] == ["second"]


@pytest.fixture
def alone(start: Callable[..., Server], model_server: ModelServer) -> Iterator[Three]:
    """The same on a server with one worker, which has its own breakers."""
    made = make_three(start(), model_server)
    yield made
    made.client.http.close()


def test_a_model_that_keeps_failing_is_skipped(alone: Three) -> None:
    alone.models[0].will(*[refuses(429, Retry_After="60")] * 5)
    for _ in range(7):
        assert texts(alone.client.chat("Hi"))[-1] == ("agent", "Hello.")
    assert alone.counts == [5, 7, 0]
    assert alone.turn.attempts == [{"model": alone.names[0], "code": "circuit_open"}]
    provider = alone.rows[0].provider  # another provider at the same address has its own key, and so its own failures
    twin = Provider.objects.create(slug=f"{provider.slug}-twin", base_url=provider.base_url)
    Model.objects.filter(pk=alone.rows[0].pk).update(provider=twin)
    alone.client.chat("Hi")
    assert alone.counts == [6, 7, 0]


def test_a_model_without_an_alternative_is_asked_anyway(
    start: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    model.will(*[refuses(429, Retry_After="60")] * 6)
    with Client(start().url, app=app.slug, key=factories.make_key(app).plain) as client:
        assert [client.post_chat("Hi").status_code for _ in range(6)] == [502] * 6
        assert texts(client.chat("Hi"))[-1] == ("agent", "Hello.")
    assert len(model.requests) == 7


def test_the_admin_shows_who_failed_and_what_it_cost(three: Three, operator: Any) -> None:
    from django.contrib.auth.models import User
    from django.test import Client as Browser

    Model.objects.filter(pk=three.rows[1].pk).update(prompt_price="2", completion_price="8")
    three.models[0].will(refuses(429, Retry_After="60"))
    three.models[1].will(says("One", "two", prompt_tokens=100))
    three.client.chat("Hi")
    assert (three.turn.model, float(three.turn.cost or 0)) == (three.names[1], 0.000216)
    browser = Browser()
    browser.force_login(User.objects.get(username=operator.username))
    page = browser.get(f"/admin/sessions_app/turn/{three.turn.pk}/change/").content.decode()
    assert f'{three.names[0]} <code class="aomi-code">http_429</code>' in page
    assert "0.000216" in page
