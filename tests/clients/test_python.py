"""A Python client, made of the document by openapi-python-client, against the real server."""

import importlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from apps_registry.models import App
from chat.schema.contract import document
from tests import factories
from tests.clients.meetings import PROBLEMS, busy_session
from tests.model_server import ScriptedModel, calls, says
from tests.product import Server

PACKAGE = "generated_client"


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The generated package, to be imported as PACKAGE; the generator may have nothing to complain of."""
    folder = tmp_path_factory.mktemp("python")
    (folder / "openapi.json").write_text(json.dumps(document()))
    (folder / "config.json").write_text(json.dumps({"post_hooks": []}))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"]
    command += ["--config", "config.json", "--output-path", PACKAGE, "--fail-on-warning"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


def module(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


@dataclass
class Generated:
    """The generated client of one server, with a key for one App."""

    client: Any
    app: str

    def chat(self, message: str, *, session_id: str = "", **more: Any) -> Any:
        """Chat; a snapshot or a problem comes back."""
        return module("api.chat.chat").sync(client=self.client, **self.call(message, session_id), **more)

    def call(self, message: str, session_id: str = "") -> dict[str, Any]:
        """What a call of chat takes."""
        body = module("models").ChatRequest(message=message, app=self.app)
        return {"body": body, "x_session_id": session_id or str(uuid.uuid4())}


@contextmanager
def client_with(key: str, server: Server, app: App, **headers: str) -> Iterator[Generated]:
    authenticated = module("client").AuthenticatedClient
    client = authenticated(server.url, token=key, prefix="", auth_header_name="AOMI-APP-KEY", headers=headers)
    with client:
        yield Generated(client, app.slug)


@pytest.fixture
def key(app: App) -> str:
    return factories.make_key(app).plain


@pytest.fixture
def generated(server: Server, app: App, key: str) -> Iterator[Generated]:
    with client_with(key, server, app) as one:
        yield one


def test_it_chats(generated: Generated, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"})), says("It is 42."))
    session_id = str(uuid.uuid4())
    snapshot = generated.chat("6*7?", session_id=session_id)
    assert snapshot == module("api.chat.get_state").sync(client=generated.client, x_session_id=session_id)
    assert (str(snapshot.session_id), snapshot.status) == (session_id, "idle")
    assert [message.content for message in snapshot.messages] == ["6*7?", "", "It is 42."]
    assert snapshot.messages[1].tool_result[0] == "calculate"


def test_it_streams(server: Server, app: App, key: str, model: ScriptedModel) -> None:
    model.will(says("In", " pieces."))
    with client_with(key, server, app, Accept="text/event-stream") as generated, stream_of(generated) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        events = [
            json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line.startswith("data: ")
        ]
    models = module("models")
    kinds = {"text": models.TextEvent, "complete": models.CompleteEvent}
    read = [kinds[event["type"]].from_dict(event) for event in events]
    assert "".join(event.content for event in read[:-1]) == "In pieces."
    assert [message.content for message in read[-1].snapshot.messages] == ["Stream it", "In pieces."]


def stream_of(generated: Generated) -> Any:
    call = module("api.chat.chat")._get_kwargs(**generated.call("Stream it"))
    return generated.client.get_httpx_client().stream(**call)


def test_it_asks_about_its_key_and_revokes_it(generated: Generated, app: App) -> None:
    generated.chat("Hi")
    key = module("api.key.get_key").sync(client=generated.client)
    assert (key.apps, key.expires_at, key.limits) == ([app.slug], None, [])
    usage = module("api.key.get_key_usage").sync(client=generated.client, days=7)
    assert (usage.total.turns, usage.days[0].app) == (1, app.slug)
    assert module("api.key.revoke_key").sync_detailed(client=generated.client).status_code == 204
    assert module("api.key.get_key").sync(client=generated.client).code == "invalid_app_key"


def test_it_meets_errors(generated: Generated, server: Server, app: App) -> None:
    with client_with("wrong", server, app) as stranger:
        refused = stranger.chat("Hi")
    problems = [
        module("api.chat.interrupt").sync(client=generated.client, x_session_id=str(uuid.uuid4())),
        refused,
        generated.chat("Hi", session_id=busy_session(app)),
    ]
    session_id = str(uuid.uuid4())
    generated.chat("Hi", session_id=session_id, idempotency_key="once")
    problems.append(generated.chat("Another", session_id=session_id, idempotency_key="once"))
    assert [type(problem).__name__ for problem in problems] == ["Problem"] * 4
    assert [f"{problem.status} {problem.code}" for problem in problems] == PROBLEMS
