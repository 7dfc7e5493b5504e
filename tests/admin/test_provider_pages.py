"""Known providers in the console: choose one, compare it with an App's tools, check it with a real turn."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client

from apps_registry.models import App, Model, Provider
from apps_registry.models.mcp import McpServer
from apps_registry.provider_rules.profiles import PROFILES
from sessions_app.models import Turn
from tests import factories
from tests.admin.test_app_pages import models_form
from tests.admin.test_app_pages import page as app_page
from tests.admin.test_model_pages import check, save
from tests.admin.test_tool_pages import form as tool_form
from tests.api.test_provider_rules import make, refused, say
from tests.product import Server
from tests.provider_rules import RULES, StrictProviders

CHOICE = {"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"type": "string"}]}
ADD_TOOL = "/admin/apps_registry/tool/add/"


@pytest.fixture(scope="module")
def strict() -> Iterator[StrictProviders]:
    running = StrictProviders()
    yield running
    running.stop()


@pytest.fixture
def gemini_app() -> App:
    """An App whose model is served by Gemini."""
    provider = Provider.objects.create(slug=factories.unique("p"), profile="gemini", base_url="http://127.0.0.1:9/v1")
    return factories.make_app(default_model=factories.make_model(provider=provider))


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_chosen_profile_fills_in_the_form(admin_client: Client) -> None:
    for profile in PROFILES.values():
        text = shown(admin_client.get(f"/admin/apps_registry/provider/add/?profile={profile.key}"))
        assert profile.base_url in text
        assert f'value="{profile.key}" selected' in text
        assert all(f'href="{source}"' in text for source in profile.sources)
    answer = save(admin_client, base_url=PROFILES["azure"].base_url, profile="azure")
    assert "Replace RESOURCE" in shown(answer)


def test_a_providers_page_explains_the_rules_for_its_requests(admin_client: Client) -> None:
    provider = Provider.objects.create(slug=factories.unique("p"), base_url="https://api.mistral.ai/v1")
    text = shown(admin_client.get(f"/admin/apps_registry/provider/{provider.pk}/change/"))
    assert "Unknown fields are refused with 422" in text
    assert "stream_options" in text
    assert 'href="https://docs.mistral.ai/api/"' in text
    assert "Mistral" in shown(admin_client.get(f"/admin/apps_registry/provider/?q={provider.slug}"))


@pytest.mark.parametrize("kind", sorted(RULES))
def test_a_check_behaves_like_a_chat(admin_client: Client, server: Server, strict: StrictProviders, kind: str) -> None:
    app = make(strict, kind, profile="" if kind in {"small", "openai"} else kind, context_window=4096)
    App.objects.filter(pk=app.pk).update(temperature=0.5)
    page = check(admin_client, app.default_model)
    assert re.search(r"Result\s+completed", page), page
    takes_tools = kind not in {"openrouter", "ollama", "vllm"}
    assert ("work: the model called the offered tool" in page) == takes_tools
    assert ("does not accept tools for this model" in page) != takes_tools
    learned = Model.objects.get(pk=app.default_model_id).request_rules
    assert (learned != {}) == (kind in {"openai", "azure"})  # temperature, and without a profile max_tokens
    refused(strict, app).clear()
    say(server, app)
    assert all(re.search("tool|schema", str(error)) for error in refused(strict, app))


def test_rules_that_a_check_detected_are_shown_and_can_be_reset(admin_client: Client, strict: StrictProviders) -> None:
    app = make(strict, "openai", profile="other")
    row = app.default_model
    page = check(admin_client, row)
    assert "The provider takes max_completion_tokens in place of max_tokens." in page
    assert "applied to every request to this model:" in page
    assert "Refused" not in check(admin_client, row)
    row.refresh_from_db()
    assert row.request_rules == {"rename": {"max_tokens": "max_completion_tokens"}}
    changed = shown(admin_client.get(f"/admin/apps_registry/model/{row.pk}/change/"))
    assert "max_completion_tokens" in changed
    answer = admin_client.post(f"/admin/apps_registry/model/{row.pk}/check/", {"forget": "1"})
    assert "in place of max_tokens" in shown(answer)
    data = {"name": row.name, "provider": row.provider_id, "provider_model_id": row.name, "context_window": "4096"}
    path = f"/admin/apps_registry/model/{row.pk}/change/"
    wrong = {**data, "request_options": "{}", "request_rules": '{"omit": ["messages"]}'}
    assert "this field cannot be left out" in shown(admin_client.post(path, wrong))
    for nonsense in ('["a"]', '{"omit": "a"}', '{"rename": {"a": 1}}', '{"x": 1}', '{"max_output_tokens": 0}'):
        assert admin_client.post(path, {**wrong, "request_rules": nonsense}).status_code == 200
    assert admin_client.post(path, {**wrong, "request_rules": ""}).status_code == 302
    row.refresh_from_db()
    assert row.request_rules == {}


def test_a_tool_that_no_model_of_the_app_accepts_is_refused_by_name(admin_client: Client, gemini_app: App) -> None:
    named = admin_client.post(ADD_TOOL, tool_form(gemini_app, name="1st"))
    assert "The tool 1st is not accepted by Gemini" in shown(named)
    chosen = admin_client.post(ADD_TOOL, tool_form(gemini_app, parameters=orjson.dumps(CHOICE).decode()))
    assert "The tool fetch is not accepted by Gemini" in shown(chosen)
    assert not gemini_app.tools.filter(kind="http").exists()
    fine = {**CHOICE, "anyOf": [{"required": ["a"]}]}
    assert admin_client.post(ADD_TOOL, tool_form(gemini_app, parameters=orjson.dumps(fine).decode())).status_code == 302
    assert (
        gemini_app.tools.get(kind="http").http_definition().parameters == fine
    )  # stored as written: calls are checked against it


def test_a_model_whose_provider_refuses_the_tools_is_refused(admin_client: Client, app: App, gemini_app: App) -> None:
    factories.make_http_tool(app, "http://127.0.0.1:9/x", name="1st")
    other, models = gemini_app.default_model, app_page(app, "models")
    answer = admin_client.post(models, models_form(app, default_model=other.pk))
    assert "The tool 1st is not accepted by Gemini" in shown(answer)
    assert "The tool 1st is not accepted by Gemini" in shown(admin_client.post(models, models_form(app, other)))
    Model.objects.filter(pk=other.pk).update(supports_tools=False)  # a model that is offered no tools refuses none
    assert admin_client.post(models, models_form(app, default_model=other.pk)).status_code == 302


def test_an_mcp_tool_that_the_provider_refuses_cannot_be_chosen(admin_client: Client, gemini_app: App) -> None:
    offered = [{"name": name, "description": "", "parameters": schema} for name, schema in
               (("good", {"type": "object"}), ("odd", CHOICE))]  # fmt: skip
    server = McpServer.objects.create(app=gemini_app, slug="px", url="https://a.example/mcp", offered=offered)
    path = f"/admin/apps_registry/mcpserver/{server.pk}/tools/"
    page = shown(admin_client.get(path))
    assert "The tool px_odd is not accepted by Gemini" in page
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert digest is not None
    done = admin_client.post(path, {"tool": ["good", "odd"], "digest": digest[1]}, follow=True)
    assert "Not added, px_odd: The tool px_odd is not accepted by Gemini" in shown(done)
    assert [tool.name for tool in server.tools.all()] == ["px_good"]


def test_a_turns_page_shows_what_was_left_out(admin_client: Client, server: Server, strict: StrictProviders) -> None:
    app = make(strict, "anthropic", profile="other", max_output_tokens=1_000)
    turn: Turn = say(server, app)
    page = shown(admin_client.get(f"/admin/sessions_app/turn/{turn.pk}/change/"))
    assert "The provider refuses the tools odd." in page
