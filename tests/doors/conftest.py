"""Clients of other protocols against the shared server."""

from collections.abc import Iterator

import openai
import pytest

from apps_registry.models import App
from tests import factories
from tests.patience import scaled
from tests.product import Server


@pytest.fixture
def key(app: App) -> str:
    return factories.make_key(app).plain


@pytest.fixture
def sdk(server: Server, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=scaled(30)) as client:
        yield client


@pytest.fixture
def stranger(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=scaled(30)) as client:
        yield client
