"""The clients of npm, `openai` and `ai` with `@ai-sdk/openai-compatible`, against the real server."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps_registry.models import App
from apps_registry.services.client_settings import openai_clients
from keys.limits.values import key_subject
from tests import factories
from tests.accounts import limit
from tests.clients.meetings import busy_session
from tests.model_server import Reply, ScriptedModel, calls, chunk, says
from tests.npm import install, run
from tests.product import Server

pytestmark = pytest.mark.thorough

SOURCES = Path(__file__).parent / "javascript"
ABILITIES = {
    "turn": "Hello Ada.",
    "stream": "In pieces.",
    "app_tool": "It is late.",
    "client_tool": "Rain in Oslo.",
    "confirmation": "It is 42.",
    "interrupt": "interrupted",
    "busy": "409 session_busy",
    "wrong_key": "401 invalid_api_key",
    "rate_limit": "429 rate_limit_exceeded",
}


def script() -> list[Reply]:
    """Return the model's replies to one client, in the order of its abilities."""
    return [
        says("Hello Ada."),
        says("In", " pieces."),
        calls(("current_time", {})),
        says("It is late."),
        calls(("get_weather", {"city": "Oslo"})),
        says("Rain in Oslo."),
        calls(("calculate", {"expression": "6*7"})),
        says("It is 42."),
        Reply([chunk({"content": "Half"})], then="hang"),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients and the program that uses them."""
    folder = tmp_path_factory.mktemp("javascript")
    install(SOURCES, folder)
    return folder


def test_settings_work_as_they_are_pasted(folder: Path, server: Server, app: App) -> None:
    given = openai_clients(base_url=server.url, app_slug=app.slug, app_key=factories.make_key(app).plain)
    programs = {client.name: client.text for client in given if client.name in {"openai-javascript", "ai-sdk"}}
    for name, text in programs.items():
        (folder / f"{name}.mjs").write_text(text)
        assert run(folder, f"{name}.mjs").strip() == "Hello."
    assert len(programs) == 2


@pytest.mark.shows("openai-npm", "all")
@pytest.mark.shows("openai-npm-responses", "all")
@pytest.mark.shows("ai-sdk", "all")
def test_each_client_has_every_ability(
    folder: Path, server: Server, app: App, other_app: App, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    limited = factories.make_key(other_app)
    limit(key_subject(limited.app_key.pk), requests_per_minute=1)
    model.will(*script(), *script(), *script())
    key = factories.make_key(app).plain
    arguments = (server.url, app.slug, key, other_app.slug, limited.plain, busy_session(app))
    output: dict[str, dict[str, Any]] = json.loads(run(folder, "use_clients.mjs", *arguments))
    assert output.pop("completionsOfOpenAI") == {"models": ["default", app.slug], **ABILITIES}
    assert output.pop("responsesOfOpenAI") == {"models": app.slug, **ABILITIES, "interrupt": "cancelled"}
    assert output.pop("aiSDK") == ABILITIES  # it has no call that lists models
    assert not output
    # Each confirmed call was made: its result is in the prompt of the round after it.
    results = [message["content"] for prompt in model.prompts for message in prompt if message["role"] == "tool"]
    assert sum('"result":"42"' in result for result in results) == 3
