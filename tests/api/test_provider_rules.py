"""Providers as strict as the known ones: a picked profile goes by their rules, and without one they are found out."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps_registry.models import App, Model, Provider, Tool
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.product import Server
from tests.provider_rules import RULES, StrictProviders
from tests.waiting import wait_until

# What OpenAPI documents and MCP servers make of arguments, and what many a provider refuses.
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
    """One turn in a session of its own; it must be answered."""
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        assert texts(client.chat("Hi"))[-1] == ("agent", "Done.")
        return Turn.objects.get(session_id=client.uuid)


@pytest.mark.parametrize("kind", WITH_TOOLS)
def test_a_picked_profile_goes_by_its_rules(server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile=kind, max_output_tokens=4_000)
    turn = say(server, app)
    assert refused(strict, app) == []
    first, second = taken(strict, app)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["odd"]
    assert first.get("max_tokens", first.get("max_completion_tokens")) == 4_000
    assert second["messages"][-1]["role"] == "tool"
    assert turn.attempts is None


@pytest.mark.parametrize("kind", [kind for kind in WITH_TOOLS if kind != "azure"])
def test_rules_are_found_out_within_the_turn_and_remembered(server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile="other")
    App.objects.filter(pk=app.pk).update(temperature=0.5)
    say(server, app)
    before = len(refused(strict, app))
    # The tool as such is left out each time; fields and limits are known from now on, to both workers.
    row = app.default_model
    wait_until(lambda: Model.objects.get(pk=row.pk).request_rules != {} or before == 0 or _is_of_tools(strict, app))
    refused(strict, app).clear()
    for _ in range(4):
        say(server, app)
    assert all("schema" in str(error) or "function_decl" in str(error) for error in refused(strict, app))


def _is_of_tools(strict: StrictProviders, app: App) -> bool:
    return all("schema" in str(error) or "function_decl" in str(error) for error in refused(strict, app))


def test_what_is_remembered_is_the_field_and_the_name(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "openai", profile="other", request_options={"verbosity": "low"})
    App.objects.filter(pk=app.pk).update(temperature=0.5)
    turn = say(server, app)
    wanted = {"omit": ["temperature", "verbosity"], "rename": {"max_tokens": "max_completion_tokens"}}
    wait_until(lambda: Model.objects.get(pk=app.default_model_id).request_rules == wanted)
    codes = [each["code"] for each in attempts(turn)]
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
def test_a_model_that_takes_no_tools_answers_without(server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile=kind, context_window=4096)
    turn = say(server, app)
    assert [each["code"] for each in attempts(turn)] == ["tool_left_out"]
    assert "takes no tools with this model" in attempts(turn)[0]["note"]
    assert "tools" not in taken(strict, app)[0]
    assert Model.objects.get(pk=app.default_model_id).request_rules == {}  # it may be set up for them tomorrow


def test_a_window_smaller_than_its_row_says_is_kept_to(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "vllm", profile="vllm", supports_tools=False)
    turn = say(server, app)
    assert [each["code"] for each in attempts(turn)] == ["limit_lowered"]
    assert 3_000 < taken(strict, app)[0]["max_tokens"] < 4_096
    assert Model.objects.get(pk=app.default_model_id).request_rules == {}


def test_a_tool_that_is_refused_is_left_out_and_the_others_work(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "anthropic", profile="other", max_output_tokens=1_000)
    factories.make_http_tool(app, "http://127.0.0.1:9/nothing", name="plain")
    turn = say(server, app)
    assert [each["code"] for each in attempts(turn)] == ["tool_left_out"]
    assert "refuses the tools odd" in attempts(turn)[0]["note"]
    requests = taken(strict, app)
    assert [[tool["function"]["name"] for tool in request["tools"]] for request in requests] == [["plain"]] * 2


def test_the_next_model_is_mended_too(server: Server, strict: StrictProviders) -> None:
    app = make(strict, "mistral", profile="other")
    down = factories.make_model("http://127.0.0.1:9/v1")
    other = app.default_model
    App.objects.filter(pk=app.pk).update(default_model=down)
    app.appmodel_set.create(model=other)
    turn = say(server, app)
    assert [each["code"] for each in attempts(turn)] == ["connect", "field_omitted"]
    assert turn.model == other.name


def test_a_refusal_that_names_nothing_is_a_failure(server: Server, strict: StrictProviders) -> None:
    from tests.model_server import ModelServer, ScriptedModel, refuses

    scripted = ModelServer()
    app = factories.make_app(base_url=scripted.base_url)
    model = ScriptedModel(scripted, app.default_model.provider_model_id)
    model.will(refuses(400))
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        assert client.post_chat("Hi").status_code == 502
    assert len(model.requests) == 1
    scripted.stop()
    assert Tool.objects.filter(app=app).exists()
