"""An App can be limited to a list of public hosts, for all its requests and redirects, at once, with a record."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from apps_registry.mcp.errors import McpError
from apps_registry.models import App, OutboundCall
from apps_registry.models.mcp import McpServer
from apps_registry.openapi.document import DocumentError
from apps_registry.outbound.client import CallRecord, OutboundRequest, send
from apps_registry.outbound.errors import Refused
from apps_registry.services.mcp_servers import refresh
from apps_registry.services.openapi_import import fetch
from tests import factories
from tests.client import Client
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.upstream import Upstream

RULE = "is not in the App's list “Only these hosts”"


@pytest.fixture
def held(app: App, upstream: Upstream) -> App:
    """An App that may call one public host, and one host of the private network."""
    App.objects.filter(pk=app.pk).update(only_hosts="api.example.com:443", allowed_hosts=upstream.host)
    app.refresh_from_db()
    return app


def refused_rows(app: App) -> list[tuple[str, str]]:
    rows = OutboundCall.objects.filter(app=app, verdict__startswith="refused")
    return list(rows.order_by("id").values_list("host", "verdict"))


def test_a_tool_reaches_no_other_host(
    held: App, app_client: Client, model: ScriptedModel, manage: Callable[..., Any]
) -> None:
    factories.make_http_tool(held, "https://other.example.com/x")
    manage("publish_app", held.slug)  # it applies to releases too
    model.will(calls(("fetch", {})), says("Done."))
    app_client.chat("Go")
    (seen,) = tool_results(model.prompts[-1])
    assert f"other.example.com:443 {RULE}" in seen
    assert refused_rows(held) == [("other.example.com:443", f"refused: other.example.com:443 {RULE}")]


def test_a_redirect_leads_to_no_other_host(
    held: App, app_client: Client, model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, _: handler.redirect("http://elsewhere.example/")
    factories.make_http_tool(held, f"{upstream.url}/x")  # which the App may call, because its allowed hosts include it
    model.will(calls(("fetch", {})), says("Done."))
    app_client.chat("Go")
    assert f"elsewhere.example:80 {RULE}" in tool_results(model.prompts[-1])[0]
    assert [host for host, _ in refused_rows(held)] == ["elsewhere.example:80"]


def test_the_list_applies_to_imports_and_mcp_servers(held: App) -> None:
    with pytest.raises(DocumentError, match="Only these hosts"):
        fetch(held, "https://docs.example.com/openapi.json")
    server = McpServer.objects.create(app=held, slug="far", url="https://mcp.example.com/mcp")
    with pytest.raises(McpError, match="Only these hosts"):
        refresh(server)
    assert [host for host, _ in refused_rows(held)] == ["docs.example.com:443", "mcp.example.com:443"]


def test_the_list_opens_no_private_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host on the list is resolved and its address checked as before; another host is not even resolved."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    only = frozenset({"listed.example:80"})

    def call(url: str) -> str:
        records: list[CallRecord] = []
        sending = send(
            OutboundRequest("GET", url), allowed_hosts=frozenset(), only_hosts=only, timeout_seconds=5, records=records
        )
        with pytest.raises(Refused):
            asyncio.run(sending)
        return records[-1].verdict

    assert call("http://listed.example/") == "refused: listed.example has a loopback address"
    assert call("http://listed.example:81/") == f"refused: listed.example:81 {RULE}"
    assert call("http://other.example/") == f"refused: other.example:80 {RULE}"
    assert asked == ["listed.example"]
