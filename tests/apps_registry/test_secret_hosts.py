"""A secret is sent to its own hosts only, whatever the tools of its App contain."""

import json
from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps

from apps_registry.models import App, AppRelease, Secret, Tool
from apps_registry.models.mcp import McpServer
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, says
from tests.upstream import Upstream

VALUE = "canary-value-of-a-secret"


def results(client: Client, model: ScriptedModel) -> list[str]:
    model.will(calls(("fetch", {})), says("Done."))
    client.chat("Go")
    return [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]


@pytest.mark.parametrize(
    "carried",
    [
        {"headers": {"X-Key": "{{ secrets.API_KEY }}"}},
        {"query": {"key": "{{ secrets.API_KEY }}"}},
        {"method": "POST", "body_type": "json", "body": {"a": ["{{ secrets.API_KEY }}"]}},
    ],
)
def test_a_tool_sends_no_secret_to_another_host(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, carried: dict[str, object]
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    secret = factories.make_secret(app, "API_KEY", VALUE, hosts="api.example.com")
    factories.make_http_tool(app, f"{upstream.url}/x", **carried)
    (result,) = results(app_client, model)
    assert f"is for api.example.com:443, and must not be sent to {upstream.host}" in result
    assert upstream.received == []
    Secret.objects.filter(pk=secret.pk).update(hosts="")
    (_, result) = results(app_client, model)
    assert "is for no host yet" in result
    assert upstream.received == []
    Secret.objects.filter(pk=secret.pk).update(hosts=f"api.example.com:443\n{upstream.host}")
    results(app_client, model)
    assert len(upstream.received) == 1
    assert VALUE in upstream.received[0].path + str(upstream.received[0].headers) + upstream.received[0].body.decode()


def test_a_release_sends_no_secret_to_another_host(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, manage: Callable[..., Result]
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    secret = factories.make_secret(app, "API_KEY", VALUE, hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/{{{{ secrets.API_KEY }}}}")
    assert manage("publish_app", app.slug).code == 0
    Secret.objects.filter(pk=secret.pk).update(hosts="api.example.com")
    assert "must not be sent" in results(app_client, model)[0]
    assert upstream.received == []


def test_the_migration_binds_secrets_to_the_hosts_that_get_them(app: App, other_app: App) -> None:
    for name in ("BY_TOOL", "BY_SERVER", "BY_RELEASE", "BY_NONE"):
        factories.make_secret(app, name, VALUE, hosts="old.example")
    factories.make_secret(other_app, "BY_TOOL", VALUE)
    factories.make_http_tool(app, "https://A.example/{{ args.text }}", headers={"X": "k {{secrets.BY_TOOL}}"})
    factories.make_http_tool(app, "http://[::1]/x", name="two", method="POST", body_type="json",
                             body={"a": ["{{ secrets.BY_TOOL }}"]})  # fmt: skip
    Tool.objects.create(app=app, kind="http", name="broken", definition="{")
    McpServer.objects.create(
        app=app, slug="m", url="https://mcp.example:8443/mcp", headers={"X": "{{ secrets.BY_SERVER }}"}
    )
    frozen = {
        "http_tools": [{"name": "t", "url": "http://r.example/{{ secrets.BY_RELEASE }}"}],
        "mcp_servers": [{"url": "https://s.example", "headers": {"X": "{{ secrets.BY_SERVER }}"}}],
    }
    AppRelease.objects.create(app=app, number=1, content=json.dumps(frozen))
    import_module("apps_registry.migrations.0018_bind_secrets").bind(apps, None)
    assert {secret.name: secret.bound_hosts for secret in app.secrets.all()} == {
        "BY_TOOL": {"a.example:443", "[::1]:80"},
        "BY_SERVER": {"mcp.example:8443", "s.example:443"},
        "BY_RELEASE": {"r.example:80"},
        "BY_NONE": frozenset(),
    }
    assert other_app.secrets.get().hosts == ""
