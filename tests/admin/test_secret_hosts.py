"""Hosts of secrets in the console: operators who edit tools cannot read secrets; new hosts need the value again."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps_registry.models import App, Secret, Tool
from apps_registry.models.mcp import McpServer
from tests import factories
from tests.admin.test_app_pages import page as app_page
from tests.admin.test_app_pages import tools_form
from tests.admin.test_tool_pages import form as tool_form
from tests.admin.test_tool_pages import secret_rows

VALUE = "canary-value-of-a-secret"


def test_operators_who_may_change_tools_cannot_send_a_secret_elsewhere(
    staff_client: Callable[..., Client], app: App
) -> None:
    factories.make_secret(app, "API_KEY", VALUE, hosts="api.example.com")
    tool = factories.make_http_tool(app, "https://api.example.com/", headers={"X": "{{ secrets.API_KEY }}"})
    client = staff_client("view_tool", "change_tool")
    page = f"/admin/apps_registry/tool/{tool.pk}/change/"
    moved = tool_form(app, url="https://thief.example/", headers="X: {{ secrets.API_KEY }}")
    answer = client.post(page, moved)
    assert answer.status_code == 200
    assert "must not be sent to thief.example:443" in answer.content.decode()
    assert client.post(page, {**moved, "url": "https://api.example.com/other"}).status_code == 302
    tool.refresh_from_db()
    assert tool.http_definition().url == "https://api.example.com/other"


def test_an_mcp_server_cannot_get_a_secret_of_another_host(staff_client: Callable[..., Client], app: App) -> None:
    factories.make_secret(app, "API_KEY", VALUE, hosts="mcp.example.com")
    server = McpServer.objects.create(app=app, slug="m", url="https://mcp.example.com/mcp")
    client = staff_client("view_mcpserver", "change_mcpserver")
    page = f"/admin/apps_registry/mcpserver/{server.pk}/change/"
    fields = {"headers": "X: {{ secrets.API_KEY }}", "timeout_seconds": "5", "max_result_chars": "1000"}
    answer = client.post(page, {**fields, "url": "https://thief.example/mcp"})
    assert "must not be sent to thief.example:443" in answer.content.decode()
    assert client.post(page, {**fields, "url": "https://mcp.example.com/mcp2"}).status_code == 302


@pytest.mark.parametrize(
    ("hosts", "value", "expected"),
    [
        ("a.example", "", "a.example:443"),
        ("", "", ""),
        ("a.example\nthief.example", "", None),
        ("a.example:8443", "", None),
        ("thief.example", "a-value-of-his-own", "thief.example:443"),
    ],
)
def test_a_secret_gets_more_hosts_only_with_its_value(
    admin_client: Client, app: App, hosts: str, value: str, expected: str | None
) -> None:
    secret = factories.make_secret(app, "API_KEY", VALUE, hosts="a.example:443\nb.example:443")
    row = {"secrets-INITIAL_FORMS": 1, **secret_rows(app, id=str(secret.pk), value=value, hosts=hosts)}
    answer = admin_client.post(app_page(app, "tools"), tools_form(app, **row))
    known = secret.token
    secret.refresh_from_db()
    if expected is None:
        assert "The hosts have changed" in answer.content.decode()
        assert secret.hosts == "a.example:443\nb.example:443"
    else:
        assert answer.status_code == 302
        assert (secret.hosts, secret.token == known) == (expected, not value)


def test_the_permission_to_change_apps_changes_no_secret(staff_client: Callable[..., Client], app: App) -> None:
    secret = factories.make_secret(app, "API_KEY", VALUE, hosts="a.example:443")
    client = staff_client("view_app", "change_app")
    row = {"secrets-INITIAL_FORMS": 1, **secret_rows(app, id=str(secret.pk), value="x" * 9, hosts="thief.example")}
    client.post(app_page(app, "tools"), tools_form(app, **row))
    assert Secret.objects.get(pk=secret.pk).hosts == "a.example:443"
    assert Tool.objects.filter(app=app, kind="http").count() == 0
