"""Tools that run in the caller's own program: the turn waits for their results, and goes on."""

import json
from typing import Any

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests.client import Client, texts
from tests.model_server import ScriptedModel, calls, says, tool_results

POSITION: dict[str, Any] = {
    "name": "get_position",
    "description": "Where the user is.",
    "parameters": {"type": "object", "properties": {"exact": {"type": "boolean"}}},
}


@pytest.fixture
def app(app: App) -> App:
    """An App whose callers may bring tools."""
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    return app


def chat(client: Client, message: str, *tools: Any) -> Any:
    body = {"message": message, "app": client.app, "client_tools": list(tools)}
    return client.request("POST", "/api/chat", json=body)


def asked(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    inline = [event["InlineCall"] for event in snapshot["system_events"]]
    assert {call["type"] for call in inline} <= {"client_tool"}
    return [call["payload"] for call in inline]


def answer(client: Client, **payload: Any) -> Any:
    answer_body = {"type": "client_tool", "payload": payload}
    return client.request("POST", "/api/system", json={"message": json.dumps(answer_body)})


@pytest.mark.parametrize(
    ("payload", "read"),
    [
        ({"result": {"city": "Oslo"}}, '{"city":"Oslo"}'),
        ({"result": "Oslo"}, "Oslo"),
        ({"error": "no permission"}, '{"error":"no permission"}'),
    ],
)
def test_the_clients_result_reaches_the_model(
    app_client: Client, model: ScriptedModel, payload: dict[str, Any], read: str
) -> None:
    model.will(calls(("get_position", {"exact": True}), text="I look."), says("You are in Oslo."))
    paused = chat(app_client, "Where am I?", POSITION).json()
    (question,) = asked(paused)
    assert (paused["status"], question["tool"], question["arguments"]) == ("idle", "get_position", {"exact": True})
    assert answer(app_client, call_id=question["call_id"], **payload).status_code == 200
    assert texts(app_client.poll())[-1] == ("agent", "You are in Oslo.")
    assert tool_results(model.prompts[1]) == [read]
    # The declaration applies to this turn, also after the pause, but not to later turns.
    app_client.chat("Thanks")
    offered = [{tool["function"]["name"] for tool in request["tools"]} for request in model.requests]
    assert ["get_position" in names for names in offered] == [True, True, False]
    assert "get_position" in model.prompts[0][0]["content"]


def test_arguments_outside_the_schema_are_not_asked_about(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("get_position", {"exact": "very"})), says("I cannot look."))
    snapshot = chat(app_client, "Where am I?", POSITION).json()
    assert asked(snapshot) == []
    assert "exact" in tool_results(model.prompts[1])[0]


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ([{**POSITION, "name": "calculate"}], "'calculate' is taken"),
        ([{**POSITION, "name": "Calculate"}], "'Calculate' is taken"),
        ([POSITION, POSITION], "'get_position' is taken"),
        ([{**POSITION, "name": "two words"}], "a name must have"),
        ([{**POSITION, "description": "x" * 5_000}], "longer than 4000"),
        ([{**POSITION, "parameters": {"type": "array"}}], "'get_position'"),
        ([{**POSITION, "parameters": {"type": "object", "properties": {"a": {"$ref": "https://x.example"}}}}], "refer"),
        ([{**POSITION, "parameters": []}], "parameters that are an object"),
        ([{"description": "x"}], "[0] is not an object with a name"),
        (
            [{**POSITION, "name": f"tool_{number}"} for number in range(65)],
            "client_tools: there are 65 tools; the limit is 64",
        ),
        ("nonsense", "client_tools"),
    ],
)
def test_a_tool_that_cannot_be_offered_is_refused(app_client: Client, app: App, tools: Any, problem: str) -> None:
    body = {"message": "Hi", "app": app.slug, "client_tools": tools}
    refused = app_client.request("POST", "/api/chat", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert problem in refused.json()["detail"]
    assert not ChatSession.objects.filter(pk=app_client.session_id).exists()


def test_an_app_must_allow_them(app_client: Client, app: App) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=False)
    refused = chat(app_client, "Where am I?", POSITION)
    detail = "client_tools: this App does not accept tools from callers."
    assert (refused.status_code, refused.json()["detail"]) == (400, detail)


@pytest.mark.parametrize("payload", [{}, {"result": 1, "error": 2}, {"call_id": 7, "result": 1}])
def test_a_malformed_answer_names_what_is_wrong(
    app_client: Client, model: ScriptedModel, payload: dict[str, Any]
) -> None:
    model.will(calls(("get_position", {})))
    (question,) = asked(chat(app_client, "Where am I?", POSITION).json())
    refused = answer(app_client, **{"call_id": question["call_id"], **payload})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert "either result or error" in refused.json()["detail"]


def test_a_confirmation_is_not_an_answer_of_a_clients_tool(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("get_position", {})))
    (question,) = asked(chat(app_client, "Where am I?", POSITION).json())
    answer_body = {"type": "confirm_tool", "payload": {"call_id": question["call_id"], "approved": True}}
    assert app_client.request("POST", "/api/system", json={"message": json.dumps(answer_body)}).status_code == 410
