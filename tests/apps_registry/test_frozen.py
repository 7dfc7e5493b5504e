"""A release is the App that was published, whatever has happened to the draft since."""

from dataclasses import fields
from typing import Any

import pytest

from apps_registry.http_tools import checks, schema
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App, Tool
from apps_registry.models.mcp import McpServer
from apps_registry.releases.frozen import frozen_config
from apps_registry.releases.services import publish
from apps_registry.runtime.app_configs import load_app_config
from apps_registry.values import AppConfig
from tests import factories

SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "pattern": "^[a-z]+$"}}}


@pytest.fixture
def furnished() -> App:
    """An App with a tool of each kind, all with confirmation, and with unusual settings."""
    settings: dict[str, Any] = {
        "preamble": "Be brief.",
        "temperature": 0.5,
        "max_tool_rounds": 3,
        "keeps_reasoning": True,
        "shows_usage": True,
    }
    app = factories.make_app(alternatives=[factories.make_model()], **settings)
    factories.make_http_tool(app, "https://api.example.com/x", parameters=SCHEMA)
    server = McpServer.objects.create(app=app, slug="m", url="https://mcp.example.com/mcp", instructions="Ask first.")
    definition = McpToolDefinition("find", "Finds.", SCHEMA)
    Tool.objects.create(app=app, kind="mcp", name="m_find", mcp_server=server, definition=definition.as_text())
    app.tools.exclude(kind="builtin").update(needs_confirmation=True)
    return app


def described(config: AppConfig | None) -> dict[str, Any]:
    """Everything in a configuration, except the functions of its tools and the number of its release."""
    assert config is not None
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    tools = {tool.name: (tool.description, tool.parameters, tool.needs_confirmation) for tool in config.tools}
    models = [(model.name, model.id, model.schemas, model.unfit_tools) for model in config.models]
    return {**values, "tools": tools, "models": models, "release_id": None}


def test_a_release_says_what_the_draft_said(furnished: App) -> None:
    draft = described(load_app_config(furnished.slug))
    release, _ = publish(furnished)
    App.objects.filter(pk=furnished.pk).update(preamble="Be verbose.", temperature=1.5, max_tool_rounds=9)
    furnished.tools.all().delete()
    released = load_app_config(furnished.slug)
    assert released is not None
    assert released.release_id == release.pk
    assert described(released) == draft


def test_reading_a_release_does_not_change_the_given_row(furnished: App) -> None:
    release, _ = publish(furnished)
    App.objects.filter(pk=furnished.pk).update(preamble="Be verbose.")
    row = App.objects.get(pk=furnished.pk)
    before = {field.attname: getattr(row, field.attname) for field in App._meta.concrete_fields}
    assert frozen_config(row, release).app.preamble == "Be brief."
    release.content = "{}"
    assert frozen_config(row, release).app.preamble == ""
    assert {field.attname: getattr(row, field.attname) for field in App._meta.concrete_fields} == before


def test_a_tool_of_a_release_is_checked_once(furnished: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of a schema is nearly all that loading an App costs."""
    publish(furnished)
    checked: list[object] = []

    def find(parameters: Any) -> str | None:
        checked.append(parameters)
        return schema.find_schema_problem(parameters)

    monkeypatch.setattr(checks, "find_schema_problem", find)
    load_app_config(furnished.slug)
    assert checked.count(SCHEMA) == 1
