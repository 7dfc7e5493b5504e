"""Providers that are as strict as real ones: a profile applies their rules; without one, the rules are detected."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from apps_registry.models import App, Model, Provider
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.conftest import Operator
from tests.model_server import Part, Reply, ScriptedModel, chunk, refuses
from tests.patience import scaled
from tests.product import Server
from tests.provider_rules import RULES, StrictProviders
from tests.waiting import wait_until

# Arguments as OpenAPI documents and MCP servers define them, and as many providers refuse them.
ODD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "string", "format": "uri", "pattern": "\\d+"},
        "b": {"type": ["integer", "null"]},
        "c": {"oneOf": [{"type": "string"}, {"$ref": "#/$defs/deep"}]},
        "list": {"type": "array"},
    },
    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    "$defs": {"deep": {"type": "object", "properties": {"x": {"const": "y"}}, "additionalProperties": False}},
}
WITHOUT_TOOLS = {"openrouter", "ollama", "vllm"}
WITH_TOOLS = sorted(RULES.keys() - WITHOUT_TOOLS - {"small"})


@pytest.fixture(scope="module")
def strict() -> Iterator[StrictProviders]:
    running = StrictProviders()
    yield running
    running.stop()


def make(strict: StrictProviders, kind: str, *, profile: str, **columns: Any) -> App:
    """An App with one odd tool, whose model is served by a strict provider."""
    base_url = strict.base_url(kind)
    provider = Provider.objects.create(slug=factories.unique("p"), base_url=base_url, profile=profile)
    provider.set_key("test-key")
    provider.save()
    app = factories.make_app(default_model=factories.make_model(provider=provider, **columns))
    app.tools.all().delete()
    factories.make_http_tool(app, "http://127.0.0.1:9/nothing", name="odd", parameters=ODD)
    return app


def refused(strict: StrictProviders, app: App) -> list[Any]:
    return strict.refused[app.default_model.provider_model_id]


def taken(strict: StrictProviders, app: App) -> list[dict[str, Any]]:
    return strict.taken[app.default_model.provider_model_id]


def attempts(turn: Turn) -> list[dict[str, str]]:
    return list(turn.attempts or [])


def say(server: Server, app: App) -> Turn:
    """One turn in a new session; it must be answered."""
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        assert texts(client.chat("Hi"))[-1] == ("agent", "Done.")
        return Turn.objects.get(session_id=client.uuid)


@pytest.mark.parametrize("kind", WITH_TOOLS)
def test_a_chosen_profile_applies_its_rules(server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile=kind, max_output_tokens=4_000)
    turn = say(server, app)
    assert refused(strict, app) == []
    first, second = taken(strict, app)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["odd"]
    assert first.get("max_tokens", first.get("max_completion_tokens")) == 4_000
    assert second["messages"][-1]["role"] == "tool"
    assert turn.attempts is None


@pytest.mark.parametrize("kind", [kind for kind in WITH_TOOLS if kind != "azure"])
def test_rules_are_detected_within_the_turn_and_stored(server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile="other")
    App.objects.filter(pk=app.pk).update(temperature=0.5)
    say(server, app)
    before = len(refused(strict, app))
    # The tool itself is left out each time; fields and limits are known to both workers from now on.
    row = app.default_model
    wait_until(lambda: Model.objects.get(pk=row.pk).request_rules != {} or before == 0 or _is_of_tools(strict, app))
    refused(strict, app).clear()
    for _ in range(4):
        say(server, app)
    assert all("schema" in str(error) or "function_decl" in str(error) for error in refused(strict, app))


def _is_of_tools(strict: StrictProviders, app: App) -> bool:
    return all("schema" in str(error) or "function_decl" in str(error) for error in refused(strict, app))


def test_only_the_field_and_its_new_name_are_stored(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "openai", profile="other", request_options={"verbosity": "low"})
    App.objects.filter(pk=app.pk).update(temperature=0.5)
    turn = say(server, app)
    expected_rules = {"omit": ["temperature", "verbosity"], "rename": {"max_tokens": "max_completion_tokens"}}
    wait_until(lambda: Model.objects.get(pk=app.default_model_id).request_rules == expected_rules)
    codes = [attempt["code"] for attempt in attempts(turn)]
    assert codes == ["field_renamed", "field_omitted", "field_omitted", "tool_left_out"]
    assert "max_completion_tokens in place of max_tokens" in attempts(turn)[0]["note"]
    request = taken(strict, app)[0]
    assert request["max_completion_tokens"] == 16_384
    assert request.keys().isdisjoint({"max_tokens", "temperature", "verbosity", "tools"})


@pytest.mark.parametrize(("kind", "limit"), [("small", 4096), ("anthropic", 8192), ("deepseek", 8192), ("groq", 8192)])
def test_a_limit_that_is_too_high_is_lowered(server: Server, strict: StrictProviders, kind: str, limit: int) -> None:
    app = make(strict, kind, profile=kind)
    say(server, app)
    wait_until(lambda: Model.objects.get(pk=app.default_model_id).request_rules == {"max_output_tokens": limit})
    refused(strict, app).clear()
    for _ in range(3):
        say(server, app)
    assert refused(strict, app) == []
    assert {request.get("max_tokens", request.get("max_completion_tokens")) for request in taken(strict, app)} == {
        limit
    }


@pytest.mark.parametrize("kind", sorted(WITHOUT_TOOLS))
def test_a_model_that_accepts_no_tools_answers_without_them(server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile=kind, context_window=4096)
    turn = say(server, app)
    assert [attempt["code"] for attempt in attempts(turn)] == ["tool_left_out"]
    assert "does not accept tools for this model" in attempts(turn)[0]["note"]
    assert "tools" not in taken(strict, app)[0]
    assert Model.objects.get(pk=app.default_model_id).request_rules == {}  # it may support them tomorrow


def test_a_context_window_that_is_smaller_than_configured_is_respected(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "vllm", profile="vllm", supports_tools=False)
    turn = say(server, app)
    assert [attempt["code"] for attempt in attempts(turn)] == ["limit_lowered"]
    assert 3_000 < taken(strict, app)[0]["max_tokens"] < 4_096
    assert Model.objects.get(pk=app.default_model_id).request_rules == {}


def test_a_tool_that_is_refused_is_left_out_and_the_others_work(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "anthropic", profile="other", max_output_tokens=1_000)
    factories.make_http_tool(app, "http://127.0.0.1:9/nothing", name="plain")
    turn = say(server, app)
    assert [attempt["code"] for attempt in attempts(turn)] == ["tool_left_out"]
    assert "refuses the tools odd" in attempts(turn)[0]["note"]
    requests = taken(strict, app)
    assert [[tool["function"]["name"] for tool in request["tools"]] for request in requests] == [["plain"]] * 2


def test_requests_to_the_next_model_are_changed_too(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "mistral", profile="other")
    down = factories.make_model("http://127.0.0.1:9/v1")
    other = app.default_model
    App.objects.filter(pk=app.pk).update(default_model=down)
    app.appmodel_set.create(model=other)
    turn = say(server, app)
    assert [attempt["code"] for attempt in attempts(turn)] == ["connect", "field_omitted"]
    assert turn.model == other.name


def test_azure_gets_its_key_in_its_own_header(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "azure", profile="azure")
    say(server, app)
    headers = {name.lower(): value for name, value in taken(strict, app)[0]["headers"].items()}
    assert headers["api-key"] == "test-key"
    assert "authorization" not in headers


def test_a_refusal_that_names_nothing_is_a_failure(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(400))
    assert app_client.post_chat("Hi").status_code == 502
    assert len(model.requests) == 1


def test_an_endless_refusal_is_still_a_refusal(app_client: Client, app: App, model: ScriptedModel) -> None:
    Provider.objects.filter(models=app.default_model).update(first_token_seconds=1.5)  # less than a refusal's own limit
    endless = [b"x" * 1_000_000] * 3
    model.will(Reply(endless, status=400), Reply([b"{"], status=422, then="hang"))
    answers = [app_client.post_chat("Hi") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [502, 504]
    assert len(model.requests) == 2


def test_a_provider_that_refuses_everything_is_asked_only_a_few_times(app_client: Client, model: ScriptedModel) -> None:
    names = [tool["function"]["name"] for tool in _tools(app_client, model)]
    refusals = [{"error": {"message": f"Invalid schema for function '{name}'."}} for name in names]
    assert len(refusals) > 3
    model.will(*[Reply([orjson.dumps(refusals[0])], status=400, headers={"Content-Type": "application/json"})] * 9)
    assert app_client.post_chat("Hi").status_code == 502
    assert len(model.requests) == 3  # the first chat, the request, and the one without the tool


def _tools(app_client: Client, model: ScriptedModel) -> list[dict[str, Any]]:
    app_client.chat("Hi")
    return list(model.requests[0]["tools"])


def test_a_limit_is_always_sent(app_client: Client, app: App, model: ScriptedModel) -> None:
    def limit() -> object:
        app_client.chat("Hi")
        return model.requests[-1]["max_tokens"]

    assert limit() == 16_384
    rows = Model.objects.filter(pk=app.default_model_id)
    rows.update(context_window=8_192)
    assert limit() == 2_048
    rows.update(max_output_tokens=4_000)
    assert limit() == 4_000
    App.objects.filter(pk=app.pk).update(max_reply_tokens=100)
    assert limit() == 100
    App.objects.filter(pk=app.pk).update(max_reply_tokens=9_000)
    assert limit() == 4_000  # the model's own limit applies
    App.objects.filter(pk=app.pk).update(max_reply_tokens=None)
    rows.update(max_output_tokens=8_000, request_options={"max_completion_tokens": 300})
    assert limit() == 300  # an option that says the same is not sent twice
    assert "max_completion_tokens" not in model.requests[-1]
    rows.update(request_options={})
    app_client.chat("word " * 3_000)
    assert 2_000 < model.requests[-1]["max_tokens"] < 5_000  # what remains of the window after the prompt


def test_a_cold_model_of_this_machine_has_time_to_load(
    start: Callable[..., Server], app: App, model: ScriptedModel, operator: Operator
) -> None:
    waits: list[Part] = [b": loading\n\n", 0.5]
    model.will(Reply([*(waits * 5), chunk({"content": "Warm."}), chunk({}, "stop")]), Reply([*(waits * 20)]))
    server = start(
        MODEL_FIRST_TOKEN_TIMEOUT_SECONDS="1", MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS="20", TURN_TIMEOUT_SECONDS="30"
    )
    key = factories.make_key(app).plain
    with Client(server.url, app=app.slug, key=key) as client:
        assert texts(client.chat("Hi"))[-1] == ("agent", "Warm.")
    Provider.objects.filter(models=app.default_model).update(first_token_seconds=1)
    with Client(server.url, app=app.slug, key=key) as client:
        answer = client.post_chat("Hi")
        assert (answer.status_code, answer.json()["detail"]) == (504, "The model did not answer in time.")
        turn = Turn.objects.get(session_id=client.uuid)
    browser = Browser()
    browser.force_login(User.objects.get(username=operator.username))
    page = browser.get(f"/admin/sessions_app/turn/{turn.pk}/change/").content.decode()
    assert (
        "The model sent no token within 1 s; the limit is “time limit until the first token” of the provider." in page
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            [b": hi\n\n"],
            f"The model sent no token within {scaled(1.5):g} s; the limit is MODEL_FIRST_TOKEN_TIMEOUT_SECONDS.",
        ),
        (
            [chunk({"content": "half"})],
            f"The model sent nothing more for {scaled(1.5):g} s; the limit is MODEL_GAP_TIMEOUT_SECONDS.",
        ),
        ([chunk({"content": "half"}), 1.0] * 8, f"The limit of {scaled(4):g} s is TURN_TIMEOUT_SECONDS."),
    ],
)
def test_a_turn_that_took_too_long_names_the_setting(
    app_client: Client, model: ScriptedModel, parts: list[Part], words: str
) -> None:
    model.will(Reply(parts, then="hang"))
    answer = app_client.post_chat("Hi")
    assert answer.status_code == 504
    assert "TIMEOUT" not in answer.text
    (attempt,) = attempts(Turn.objects.get(session_id=app_client.uuid))
    assert attempt["note"] == words
