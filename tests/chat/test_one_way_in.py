"""Turns are started and resumed by one function that any code with a caller and a message can use, without HTTP."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from apps_registry.models import App, Tool
from chat.urls import urlpatterns
from sessions_app.models import Turn
from tests import factories
from tests.model_server import ScriptedModel, calls, says
from tests.root import ROOT
from tests.upstream import Upstream

OURS = ("aomi_site", "apps_registry", "keys", "sessions_app", "chat")
KNOW_NO_HTTP = ("chat/access.py", "chat/turns", "chat/providers", "chat/prompt")
HTTP = ("rest_framework", "django.http", "django.views", "django.urls", "django.shortcuts", "django.core.handlers")


def test_a_turn_starts_pauses_and_resumes_without_a_request(
    app: App, model: ScriptedModel, upstream: Upstream, environment: dict[str, str]
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    upstream.handle = lambda handler, _: handler.reply("ordered tea")
    factories.make_http_tool(app, f"{upstream.url}/order", name="order", method="POST")
    Tool.objects.filter(app=app, name="order").update(needs_confirmation=True)
    model.will(calls(("order", {})), says("Tea is ordered."))
    arguments = json.dumps({"app": app.slug, "key_id": factories.make_key(app).app_key.pk})
    command = [sys.executable, "-W", "error", "-m", "tests.chat.turns_alone", arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["told"] == [app.slug]
    assert (seen["asked"], seen["again"], seen["resumed"]) == ("InlineCall", True, True)
    assert {expected: name for expected, name in seen["refusals"].items() if expected != name} == {}
    assert seen["not_theirs"] == "KeyNeeded"
    assert seen["messages"] == [["user", "Order tea"], ["tool", "ordered tea"], ["agent", "Tea is ordered."]]
    assert seen["http"] == []
    assert Turn.objects.get(app=app).status == "completed"
    assert len(upstream.received) == 1


def test_the_modules_of_turns_import_no_http() -> None:
    waiting = {path for name in KNOW_NO_HTTP for path in _files(ROOT / name)}
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for name in _imports(path):
            assert not any(f"{name}.".startswith(f"{http}.") for http in HTTP), f"{path.relative_to(ROOT)}: {name}"
            if name.split(".")[0] in OURS:
                waiting |= set(_loaded(name)) - seen
    assert len(seen) > 100, "no import was followed"


def test_one_place_says_where_the_api_is_served() -> None:
    calls = {str(pattern.pattern).split("/")[0] for pattern in urlpatterns} | {""}
    definitions = {
        str(path.relative_to(ROOT))
        for name in OURS
        for path in _files(ROOT / name)
        for text in _texts(path)
        if text.startswith(("/api/", "api/")) and text.split("api/")[1].split("/")[0] in calls
    }
    assert definitions == {"apps_registry/support/http/paths.py"}


def _files(path: Path) -> Iterator[Path]:
    return path.rglob("*.py") if path.is_dir() else iter([path])


def _texts(path: Path) -> Iterator[str]:
    """Yield the strings in a module, without its docstrings."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield node.value


def _imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports; for `from a import b` also a.b, which may be a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _loaded(name: str) -> Iterator[Path]:
    """Yield the files that an import loads: the module's, and those of its packages."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        folder = ROOT.joinpath(*parts[:length])
        yield from (path for path in (folder / "__init__.py", folder.with_suffix(".py")) if path.is_file())
