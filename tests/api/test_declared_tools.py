"""Tools that an App declares for its clients to run."""

import json
from typing import Any

import pytest

from apps_registry.models import App, Tool
from apps_registry.releases.services import publish
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.openai_sdk import openai_client
from tests.product import Server

PARAMETERS = {"type": "object", "properties": {"exact": {"type": "boolean"}}}


@pytest.fixture
def app(app: App) -> App:
    """An App that declares a tool."""
    tool = Tool(app=app)
    tool.set_client_definition("get_position", "Where the user is.", PARAMETERS)
    tool.save()
    return app


def test_the_client_runs_it(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("get_position", {"exact": True}), ("get_position", {"exact": 7})), says("In Oslo."))
    paused = app_client.chat("Where am I?")
    (question,) = [event["InlineCall"]["payload"] for event in paused["system_events"]]
    assert (question["tool"], question["arguments"]) == ("get_position", {"exact": True})
    answer = {"type": "client_tool", "payload": {"call_id": question["call_id"], "result": "Oslo"}}
    assert app_client.request("POST", "/api/system", json={"message": json.dumps(answer)}).is_success
    assert texts(app_client.poll())[-1] == ("agent", "In Oslo.")
    result, refused = tool_results(model.prompts[1])
    assert (result, "exact" in refused) == ("Oslo", True)
    (offered,) = [tool for tool in model.requests[0]["tools"] if tool["function"]["name"] == "get_position"]
    assert offered["function"]["description"] == "Where the user is."


def test_openais_clients_get_it_as_a_call(server: Server, app: App, model: ScriptedModel) -> None:
    model.will(calls(("get_position", {})), says("In Oslo."))
    key = factories.make_key(app).plain
    with openai_client(server.url, key) as sdk:
        messages: list[Any] = [{"role": "user", "content": "Where am I?"}]
        (call,) = sdk.chat.completions.create(model=app.slug, messages=messages).choices[0].message.tool_calls or []
        messages += [
            {"role": "assistant", "tool_calls": [call.model_dump()]},
            {"role": "tool", "tool_call_id": call.id, "content": "Oslo"},
        ]
        assert sdk.chat.completions.create(model=app.slug, messages=messages).choices[0].message.content == "In Oslo."


def test_a_client_that_can_run_none_is_offered_none(app_client: Client, app: App, model: ScriptedModel) -> None:
    call = {"name": f"ask_{app.slug}", "arguments": {"message": "Hi"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    assert app_client.request("POST", "/mcp", json=body, headers={"Accept": "application/json"}).is_success
    assert "get_position" not in {tool["function"]["name"] for tool in model.requests[0]["tools"]}


def test_a_release_keeps_it(app_client: Client, app: App, model: ScriptedModel) -> None:
    publish(app)
    app.tools.filter(name="get_position").delete()
    model.will(calls(("get_position", {})))
    assert app_client.chat("Where am I?")["system_events"][0]["InlineCall"]["payload"]["tool"] == "get_position"
