"""Schemathesis generates calls from the OpenAPI document: none may fail, or get a response that is not described."""

import pytest

from apps_registry.models import App
from tests.client import Client
from tests.product import Server

pytestmark = pytest.mark.thorough


def test_every_answer_is_described(
    server: Server, client: Client, app_client: Client, app: App, subtests: pytest.Subtests
) -> None:
    """For each operation, with a session of the default App and one of an App with a key."""
    from tests.api.made_up_calls import Known, calls_of, operations

    default = App.objects.get(is_default=True)
    known = [Known(client.session_id, default, None), Known(app_client.session_id, app, app_client.key)]
    seen = 0
    for operation in operations():
        seen += 1
        for one in (client, app_client):
            one.chat("Hi")  # the previous operation may have deleted it
        with subtests.test(operation=operation.label):
            calls_of(operation, server.url, known)()
    assert seen >= 20
