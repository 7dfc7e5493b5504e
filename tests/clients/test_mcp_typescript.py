"""The @modelcontextprotocol/sdk package against the real server."""

import json
from pathlib import Path

import pytest

from apps_registry.models import App
from keys.limits.values import key_subject
from sessions_app.models import Turn
from tests import factories
from tests.accounts import limit
from tests.clients.meetings import busy_session
from tests.model_server import Reply, ScriptedModel, calls, chunk, says
from tests.npm import install, run
from tests.product import Server

pytestmark = pytest.mark.thorough

SOURCES = Path(__file__).parent / "mcp_typescript"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and the program that uses it."""
    made = tmp_path_factory.mktemp("mcp_typescript")
    install(SOURCES, made)
    return made


@pytest.mark.shows("mcp-npm", "all")
def test_it_asks_an_app(folder: Path, server: Server, app: App, model: ScriptedModel) -> None:
    app.tools.filter(name="current_time").update(needs_confirmation=True)
    limited = factories.make_key(app)
    limit(key_subject(limited.app_key.pk), requests_per_minute=1, burst=1)
    model.will(
        *(says("Nice to meet you."), says("Ada.")),
        *(calls(("calculate", {"expression": "6*7"})), says("It is 42.")),
        *(calls(("current_time", {})), says("It is late.")),
        *(Reply([chunk({"content": "Once upon"})], then="hang"), says("I stopped.")),
        says("Once."),
    )
    arguments = (server.url, app.slug, factories.make_key(app).plain, limited.plain, busy_session(app))
    output = json.loads(run(folder, "use_mcp.mjs", *arguments))
    assert output.pop("progress")[:2] == ["Calling calculate", "calculate has answered"]
    assert output == {
        "version": "2025-11-25",
        "tools": ["ask_default", f"ask_{app.slug}"],
        "turn": ["Nice to meet you.", "Ada."],
        "tool": "It is 42.",
        "asked": "needs_confirmation",
        "confirmed": "It is late.",
        "cancelled": True,
        "afterwards": "I stopped.",
        "busy": "session_busy",
        "limited": "rate_limited",
        "wrong": 401,
    }
    assert Turn.objects.filter(app=app, status=Turn.Status.INTERRUPTED).count() == 1
