"""An App with documents, used through its public interfaces."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as AdminClient

from apps_registry.models import App, EmbeddingModel, Provider
from tests import factories
from tests.apps_registry.retrieval.embedding_server import EmbeddingServer
from tests.client import Client
from tests.commands import Result
from tests.conftest import Operator
from tests.model_server import ScriptedModel, calls, says, tool_results

Ask = Callable[..., dict[str, Any]]
Ingest = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ingest(manage: Callable[..., Result], app: App, tmp_path: Path) -> Ingest:
    """Ingests texts into `app`: ingest({"name.txt": "content"}, "--tag", "a"); returns the command's report."""

    def run(files: dict[str, str | bytes], *options: str, into: App = app) -> list[dict[str, Any]]:
        paths = []
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(str(path))
        done = manage("ingest", into.slug, *paths, "--wait", "--json", *options)
        assert done.out, done.err
        report: list[dict[str, Any]] = json.loads(done.out)
        return report

    return run


@pytest.fixture
def ask(app_client: Client, model: ScriptedModel) -> Ask:
    """Makes the model of `app` search, and returns the result that it received."""
    return lambda query, **more: search_as(app_client, model, {"query": query, **more})


def search_as(client: Client, model: ScriptedModel, arguments: dict[str, Any]) -> dict[str, Any]:
    model.will(calls(("search_documents", arguments)), says("So it is."))
    client.chat("What do the documents say?")
    (*_, result) = tool_results(model.prompts[-1])
    result_data: dict[str, Any] = json.loads(result)
    return result_data


@pytest.fixture
def admin_client(operator: Operator) -> AdminClient:
    """A Django test client whose operator is logged in."""
    client = AdminClient()
    client.force_login(User.objects.get(username=operator.username))
    return client


@pytest.fixture
def embedding_server() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    yield server
    server.stop()


@pytest.fixture
def embedding_model(embedding_server: EmbeddingServer) -> EmbeddingModel:
    name = factories.unique("embedder")
    provider = Provider.objects.create(slug=name, base_url=embedding_server.base_url)
    return EmbeddingModel.objects.create(
        name=name, provider=provider, provider_model_id="meaning", dimensions=embedding_server.dimensions
    )
