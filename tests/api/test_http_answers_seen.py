"""Responses that HTTP servers really sent, and what a model reads of them."""

import json
from collections.abc import Callable

import pytest

from apps_registry.models import App
from tests import factories
from tests.api.test_http_tools import ask
from tests.client import Client
from tests.model_server import ScriptedModel
from tests.seen.http import SEEN, Seen
from tests.upstream import Handler, Received, Upstream


def answering(seen: Seen) -> Callable[[Handler, Received], None]:
    def handle(handler: Handler, request: Received) -> None:
        handler.wfile.write(seen.answers[request.path])
        handler.close_connection = True

    return handle


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN)
def test_a_response_has_its_intended_meaning(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, seen: Seen
) -> None:
    app.allowed_hosts = upstream.host
    app.save()
    factories.make_http_tool(app, f"{upstream.url}/x", **seen.tool)
    upstream.handle = answering(seen)
    (result,) = ask(app_client, model, ("fetch", {}))
    if seen.is_error:
        assert seen.result in json.loads(result)["error"]
    else:
        assert result.replace('": ', '":').replace(', "', ',"') == seen.result.replace('": ', '":').replace(', "', ',"')
        assert [f"{request.method} {request.path}" for request in upstream.received] == seen.asked
