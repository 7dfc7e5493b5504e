"""Files and commands with tools that the model's provider does not accept name the tool and change nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps_registry.models import App, Model, Provider
from tests import factories
from tests.commands import Result

Run = Callable[..., Result]
TOOL = {
    "name": "1st",
    "description": "The first.",
    "url": "https://api.example.com/1",
    "parameters": {"type": "object"},
}


@pytest.fixture
def gemini_app() -> App:
    """An App whose model is served by Gemini."""
    provider = Provider.objects.create(
        slug=factories.unique("p"), base_url="https://generativelanguage.googleapis.com/v1beta/openai"
    )
    return factories.make_app(default_model=factories.make_model(provider=provider))


def app_file(slug: str, **members: Any) -> dict[str, Any]:
    return {"slug": slug, "name": "Made", "default_model": f"{slug}-model", "http_tools": [{**TOOL, "method": "GET"}],
            "models": [{"name": f"{slug}-model", "provider": f"{slug}-p", "provider_model_id": "m"}],
            "providers": [{"slug": f"{slug}-p", "base_url": "http://127.0.0.1:9/v1", **members}]}  # fmt: skip


def test_a_file_is_refused_for_the_provider_that_it_defines(manage: Run, tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    slug = factories.unique("made")
    path.write_text(yaml.safe_dump(app_file(slug, profile="gemini")))
    done = manage("import_app", str(path), "--apply")
    assert (done.code, "The tool 1st is not accepted by Gemini" in done.err) == (1, True), done.err
    assert not Model.objects.filter(name=f"{slug}-model").exists()
    path.write_text(yaml.safe_dump(app_file(slug, profile="lm-studio")))
    assert "profile" in manage("import_app", str(path), "--apply").err
    path.write_text(yaml.safe_dump(app_file(slug, profile="lmstudio")))
    assert manage("import_app", str(path), "--apply").code == 0
    assert Provider.objects.get(slug=f"{slug}-p").profile == "lmstudio"


def test_a_draft_is_not_published(manage: Run, gemini_app: App) -> None:
    tool = factories.make_http_tool(gemini_app, "http://127.0.0.1:9/x", name="1st")
    done = manage("publish_app", gemini_app.slug)
    assert (done.code, "The tool 1st is not accepted by Gemini" in done.err) == (1, True), done.err
    assert not gemini_app.releases.exists()
    tool.is_enabled = False
    tool.save()
    assert manage("publish_app", gemini_app.slug).code == 0


def test_an_operation_is_not_imported(manage: Run, gemini_app: App, tmp_path: Path) -> None:
    paths = {f"/{name}": {"get": {"operationId": name, "summary": "Gets."}} for name in ("first", "2nd")}
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths,
                "servers": [{"url": "https://api.example.com"}]}  # fmt: skip
    (tmp_path / "api.yaml").write_text(yaml.safe_dump(document))
    done = manage("import_openapi", gemini_app.slug, str(tmp_path / "api.yaml"), "--all", "--apply")
    assert done.code == 0, done.err
    assert "! 2nd  not imported: The tool 2nd is not accepted by Gemini" in done.out
    assert [tool.name for tool in gemini_app.tools.filter(kind="http")] == ["first"]


def test_a_file_carries_what_is_set_of_providers_and_models(manage: Run, manage_empty: Run, tmp_path: Path) -> None:
    provider = Provider.objects.create(slug=factories.unique("p"), base_url="http://127.0.0.1:9/v1", profile="vllm")
    rules = {"omit": ["stream_options"], "rename": {"max_tokens": "max_completion_tokens"}}
    model = factories.make_model(provider=provider, max_output_tokens=2_000, request_rules=rules)
    app = factories.make_app(default_model=model)
    path, copy = tmp_path / "app.yaml", tmp_path / "copy.yaml"
    assert manage("export_app", app.slug, "--output", str(path)).code == 0
    data = yaml.safe_load(path.read_text())
    assert (data["providers"][0]["profile"], data["models"][0]["max_output_tokens"]) == ("vllm", 2_000)
    assert data["models"][0]["request_rules"] == rules
    done = manage_empty("import_app", str(path), "--apply")
    assert done.code == 0, done.err
    assert manage_empty("export_app", app.slug, "--output", str(copy)).code == 0
    assert copy.read_text() == path.read_text()
    data["models"][0].update(name=factories.unique("m"), request_rules={"omit": ["model"]})
    data["default_model"] = data["models"][0]["name"]
    path.write_text(yaml.safe_dump(data))
    assert "this field cannot be left out" in manage("import_app", str(path), "--apply").err
