"""Tools of an MCP server: listed, chosen, called by a model, refreshed with a diff."""

from collections.abc import Callable
from typing import Any

from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App, OutboundCall
from apps_registry.models.mcp import McpServer
from tests.apps_registry.mcp.conftest import RunningServer
from tests.apps_registry.mcp.server_token import TOKEN
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.product import free_port


def choose(manage: Callable[..., Result], app: App, *names: str) -> Result:
    done = manage("refresh_mcp", app.slug, "px", *(f"--choose={name}" for name in names), "--apply")
    assert done.code == 0, done.err
    return done


def results_of(model: ScriptedModel, client: Client, *requested: tuple[str, Any]) -> list[str]:
    """Return what the model reads when it calls these tools in one round."""
    model.will(calls(*requested), says("Done."))
    client.chat("Go")
    return tool_results(model.prompts[-1])


def test_a_chosen_tool_answers_the_model(
    app: App, mcp_server: McpServer, manage: Callable[..., Result], app_client: Client, model: ScriptedModel
) -> None:
    choose(manage, app, "price_of", "add")
    price, total = results_of(model, app_client, ("px_price_of", {"token": "ETH"}), ("px_add", {"a": 2, "b": 3}))
    assert '"token":"ETH"' in price.replace(" ", "").replace("\n", "")
    assert total == "5"
    offered = {tool["function"]["name"]: tool["function"] for tool in model.requests[0]["tools"]}
    assert "px_fail" not in offered
    assert offered["px_price_of"]["parameters"]["properties"]["token"]["description"] == "Such as ETH."
    assert OutboundCall.objects.filter(app=app, tool="px_add", status=200, verdict="answered").exists()


def test_what_goes_wrong_is_a_result_that_the_model_reads(
    app: App, mcp_server: McpServer, manage: Callable[..., Result], app_client: Client, model: ScriptedModel
) -> None:
    McpServer.objects.filter(pk=mcp_server.pk).update(timeout_seconds=1.5)
    choose(manage, app, "fail", "sleep", "flood", "add")
    requested = [("px_fail", {}), ("px_sleep", {}), ("px_flood", {"size": 5_000_000}), ("px_add", {"a": "two", "b": 3})]
    failed, slept, flooded, misfit = results_of(model, app_client, *requested)
    assert "the harvest was bad" in failed
    assert "no complete answer came within 1.5 seconds" in slept
    assert "larger than" in flooded
    assert "are invalid" in misfit


def test_a_long_result_is_cut(
    app: App, mcp_server: McpServer, manage: Callable[..., Result], app_client: Client, model: ScriptedModel
) -> None:
    choose(manage, app, "flood")
    (result,) = results_of(model, app_client, ("px_flood", {"size": 20_000}))
    assert result.startswith("x" * 8000)
    assert "cut: the first 8000 of 20000" in result


def test_the_token_is_sent_and_never_shown(
    app: App, mcp_server: McpServer, manage: Callable[..., Result], app_client: Client, model: ScriptedModel
) -> None:
    choose(manage, app, "whoami")
    (result,) = results_of(model, app_client, ("px_whoami", {}))
    assert result == "authorization: Bearer [secret]"


def test_a_private_address_is_refused_until_the_operator_allows_it(
    app: App, mcp_server: McpServer, manage: Callable[..., Result]
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts="")
    done = manage("refresh_mcp", app.slug, "px")
    assert done.code == 1
    assert "the call is not allowed" in done.err
    assert "Allowed hosts" in done.err
    assert TOKEN not in done.err


def test_an_unreachable_server_is_reported(app: App, manage: Callable[..., Result]) -> None:
    port = free_port()
    App.objects.filter(pk=app.pk).update(allowed_hosts=f"127.0.0.1:{port}")
    McpServer.objects.create(app=app, slug="px", url=f"http://127.0.0.1:{port}/mcp")
    done = manage("refresh_mcp", app.slug, "px")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "no connection could be made" in done.err


def test_nothing_changes_until_a_refresh_is_applied(
    app: App, mcp_server: McpServer, remote: RunningServer, manage: Callable[..., Result]
) -> None:
    choose(manage, app, "price_of", "retired")
    before = dict(app.tools.filter(kind="mcp").values_list("name", "definition"))
    remote.stop()
    try:
        remote.start("2")
        seen = manage("refresh_mcp", app.slug, "px")
        assert "~* price_of  changed" in seen.out
        assert "in a currency" in seen.out
        assert "-* retired  gone" in seen.out
        assert "   brand_new  new" in seen.out.replace("   ", "   ")
        assert dict(app.tools.filter(kind="mcp").values_list("name", "definition")) == before

        done = choose(manage, app)
        assert {"Changed px_price_of", "Removed px_retired"} <= set(done.out.splitlines())
        (tool,) = app.tools.filter(kind="mcp")
        assert "currency" in McpToolDefinition.from_text(tool.definition).parameters["properties"]
    finally:
        remote.stop()
        remote.start()


def test_the_command_chooses_which_calls_need_confirmation(
    app: App, mcp_server: McpServer, manage: Callable[..., Result]
) -> None:
    done = manage("refresh_mcp", app.slug, "px", "--choose=add", "--choose=fail", "--confirm=add", "--apply")
    assert "Calls of px_add need the user's confirmation" in done.out
    assert dict(app.tools.filter(kind="mcp").values_list("name", "needs_confirmation")) == {
        "px_add": True,
        "px_fail": False,
    }
    again = manage("refresh_mcp", app.slug, "px", "--no-confirm=add", "--confirm=fail", "--apply")
    assert "add  the same  asks the user" in again.out  # unchanged
    assert set(app.tools.filter(needs_confirmation=True).values_list("name", flat=True)) == {"px_fail"}
    unused = manage("refresh_mcp", app.slug, "px", "--confirm=price_of", "--apply")
    assert (unused.code, "'price_of' is not in use" in unused.err) == (1, True)


def test_another_app_has_neither_the_server_nor_its_tools(
    app: App, other_app: App, mcp_server: McpServer, manage: Callable[..., Result]
) -> None:
    choose(manage, app, "add")
    assert not other_app.tools.filter(kind="mcp").exists()
    done = manage("refresh_mcp", other_app.slug, "px")
    assert done.code == 1
    assert "There is no MCP server 'px'" in done.err
