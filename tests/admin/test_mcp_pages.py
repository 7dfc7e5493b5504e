"""MCP servers in the console: add one, list its tools, and choose tools one by one."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from apps_registry.models import App
from apps_registry.models.mcp import McpServer
from tests.apps_registry.mcp.conftest import RunningServer, mcp_server, remote  # noqa: F401
from tests.apps_registry.mcp.scripted import Scripted, tool
from tests.product import Server
from tests.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Page


def tools_page(server: McpServer) -> str:
    return f"/admin/apps_registry/mcpserver/{server.pk}/tools/"


@pytest.mark.thorough
@pytest.mark.browser
def test_a_server_is_added_and_its_tools_are_chosen(
    console: "Page",
    server: Server,
    app: App,
    remote: RunningServer,  # noqa: F811
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=f"127.0.0.1:{remote.port}")
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/tools/")
    console.click("text=Add an MCP server")
    console.fill("#id_slug", "px")
    console.fill("#id_url", remote.url)
    console.fill("#id_headers", "X-Team: prices")
    console.click("input[name=_continue]")
    added = McpServer.objects.get(app=app)
    assert added.headers == {"X-Team": "prices"}
    console.click("text=Choose its tools")
    console.click("text=Refresh the list")
    assert "The App still uses the same tools" in console.inner_text(".messagelist")
    console.check("input[name=tool][value=add]")
    console.click("button:has-text('Save')")
    assert "Added px_add" in console.inner_text(".messagelist")
    assert [tool.name for tool in app.tools.filter(kind="mcp")] == ["px_add"]
    console.uncheck("input[name=tool][value=add]")
    console.click("button:has-text('Save')")
    assert "Removed px_add" in console.inner_text(".messagelist")
    assert not app.tools.filter(kind="mcp").exists()


def test_a_choice_applies_to_the_list_that_was_shown(
    admin_client: Client,
    mcp_server: McpServer,  # noqa: F811
) -> None:
    admin_client.post(tools_page(mcp_server), {"refresh": "1"})
    stale = admin_client.post(tools_page(mcp_server), {"tool": ["add"], "digest": "of another answer"}, follow=True)
    assert b"refreshed in the meantime" in stale.content
    assert not mcp_server.tools.exists()
    shown = admin_client.get(tools_page(mcp_server))
    admin_client.post(tools_page(mcp_server), {"tool": ["add"], "digest": shown.context["digest"]})
    assert [(tool.name, tool.needs_confirmation) for tool in mcp_server.tools.all()] == [("px_add", False)]
    choice = {"tool": ["add"], "confirm": ["add"], "digest": shown.context["digest"]}
    done = admin_client.post(tools_page(mcp_server), choice, follow=True)
    assert b"Calls of px_add need the user" in done.content
    assert mcp_server.tools.get().needs_confirmation is True
    assert b'value="add" aria-label="Ask the user before each call of px_add" checked' in done.content
    mcp_server.delete()
    assert not mcp_server.app.tools.filter(kind="mcp").exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "https://mcp.example.com/{{ secrets.A }}"}, b"cannot contain placeholders"),
        ({"url": "mcp.example.com"}, b"Write http://"),
        ({"headers": "X-A: {{ args.a }}"}, b"no argument a"),
        ({"headers": "X-A: {{ wallet.address }}"}, b"Only secrets"),
        ({"headers": "Host: evil.example"}, b"set by the connection"),
        ({"slug": "Upper"}, b"lower-case"),
    ],
)
def test_a_server_that_cannot_be_used_is_refused(
    admin_client: Client, app: App, fields: dict[str, str], words: bytes
) -> None:
    form = {"app": app.pk, "slug": "px", "url": "https://mcp.example.com/mcp", "headers": ""}
    form |= {"timeout_seconds": 5, "max_result_chars": 8000, **fields}
    page = admin_client.post("/admin/apps_registry/mcpserver/add/", form)
    assert page.status_code == 200
    assert words in page.content


def test_left_out_tools_and_instructions_are_on_the_page(admin_client: Client, app: App, upstream: Upstream) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    server = McpServer.objects.create(app=app, slug="odd", url=f"{upstream.url}/mcp")
    upstream.handle = Scripted(tools=[tool("good"), {"name": "worse"}], instructions="Be gentle.")
    admin_client.post(tools_page(server), {"refresh": "1"})
    page = admin_client.get(tools_page(server))
    shown = page.content.decode()
    assert all(
        text in shown for text in ("worse", "It has no inputSchema.", "Be gentle.", "If you save, the model gets")
    )
    done = {"tool": ["good"], "digest": page.context["digest"]}
    assert (
        b"The model gets the current instructions of the server"
        in admin_client.post(tools_page(server), done, follow=True).content
    )
    server.refresh_from_db()
    assert server.instructions == "Be gentle."
