"""Clients of other protocols against the shared server."""

from collections.abc import Iterator

import openai
import pytest

from apps_registry.models import App
from tests import factories
from tests.openai_sdk import openai_client
from tests.product import Server


@pytest.fixture
def key(app: App) -> str:
    return factories.make_key(app).plain


@pytest.fixture
def sdk(server: Server, key: str) -> Iterator[openai.OpenAI]:
    with openai_client(server.url, key) as client:
        yield client


@pytest.fixture
def stranger(server: Server) -> Iterator[openai.OpenAI]:
    with openai_client(server.url, "none") as client:
        yield client
