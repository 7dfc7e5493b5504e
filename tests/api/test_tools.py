"""Tools in a turn: called, answered, recorded, limited."""

import json
from typing import Any

from apps_registry.models import App, Model, Tool
from sessions_app.models import Turn
from tests.client import Client, texts
from tests.model_server import ScriptedModel, calls, says, tool_results


def results(prompt: list[dict[str, Any]]) -> list[Any]:
    return [json.loads(result) for result in tool_results(prompt)]


def test_a_tool_call_is_answered_and_shown(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "(2 + 3) * 4"}), text="Let me see."), says("It is 20."))
    snapshot = app_client.chat("What is (2+3)*4?")
    assert texts(snapshot) == [
        ("user", "What is (2+3)*4?"), ("agent", "Let me see."), ("agent", ""), ("agent", "It is 20.")
    ]  # fmt: skip
    name, result = snapshot["messages"][2]["tool_result"]
    assert (name, json.loads(result)["result"]) == ("calculate", "20")
    assert all(m["tool_result"] is None for m in snapshot["messages"] if m["content"])
    assert app_client.state()["messages"] == snapshot["messages"]
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.tool_rounds, turn.status) == (1, "completed")


def test_the_model_is_offered_the_apps_tools_and_no_others(app_client: Client, app: App, model: ScriptedModel) -> None:
    app.tools.exclude(name="calculate").delete()
    app_client.chat("Hi")
    offered = [tool["function"] for tool in model.requests[0]["tools"]]
    assert [tool["name"] for tool in offered] == ["calculate"]
    assert offered[0]["parameters"]["type"] == "object"
    assert offered[0]["description"]
    Tool.objects.filter(app=app).update(is_enabled=False)
    app_client.chat("Hi")
    assert "tools" not in model.requests[1]


def test_a_tool_of_another_app_does_not_exist(app_client: Client, app: App, model: ScriptedModel) -> None:
    app.tools.filter(name="calculate").delete()
    model.will(calls(("calculate", {"expression": "1+1"})), says("I cannot."))
    app_client.chat("1+1?")
    assert "there is no tool 'calculate'" in results(model.prompts[1])[0]["error"]


def test_calls_of_one_round_are_answered_in_call_order(app_client: Client, model: ScriptedModel) -> None:
    requested = [("calculate", {"expression": f"{n} * 10"}) for n in (1, 2, 3)]
    model.will(calls(*requested, ("current_time", {"timezone": "UTC"})), says("Done."))
    snapshot = app_client.chat("Go")
    assert [m["tool_result"][0] for m in snapshot["messages"] if m["tool_result"]] == [
        *["calculate"] * 3,
        "current_time",
    ]
    assert [result["result"] for result in results(model.prompts[1])[:3]] == ["10", "20", "30"]
    asked, *answers = model.prompts[1][2:]
    assert [call["id"] for call in asked["tool_calls"]] == [answer["tool_call_id"] for answer in answers]


def test_the_model_is_told_about_its_mistakes(app_client: Client, model: ScriptedModel) -> None:
    wrong = [
        ("calculate", "{broken"),
        ("calculate", "[1]"),
        ("calculate", {}),
        ("calculate", {"expression": 5}),
        ("calculate", {"expression": "1/0"}),
        ("calculate", {"expression": "1", "surprise": True}),
        ("no_such_tool", {}),
        ("calculate", {"expression": "6*7"}),
    ]
    model.will(calls(*wrong), says("42 after all."))
    assert texts(app_client.chat("Go"))[-1] == ("agent", "42 after all.")
    *errors, good = results(model.prompts[1])
    assert all("error" in error for error in errors)
    assert good["result"] == "42"  # a bad call does not affect the other calls


def test_after_the_last_round_the_model_must_answer(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(max_tool_rounds=2)
    again = calls(("calculate", {"expression": "1"}))
    model.will(again, again, says("Enough."))
    assert texts(app_client.chat("Go"))[-1] == ("agent", "Enough.")
    assert ["tool_choice" in request for request in model.requests] == [False, False, True]
    model.will(again, again, again)
    answer = app_client.post_chat("Go")
    assert (answer.status_code, answer.json()["code"]) == (502, "model_error")
    assert len(model.requests) == 6


def test_the_next_turn_sees_the_calls_of_the_last(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"})), says("42."), says("I said 42."))
    app_client.chat("6*7?")
    app_client.chat("What did you say?")
    roles = [message["role"] for message in model.prompts[2]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    call = model.prompts[2][2]["tool_calls"][0]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("calculate", {"expression": "6*7"})
    assert model.prompts[2][3]["tool_call_id"] == call["id"]


def test_a_model_without_tools_is_offered_none(app_client: Client, model: ScriptedModel) -> None:
    Model.objects.filter(name=model.model_id).update(supports_tools=False)
    app_client.chat("Hi")
    assert "tools" not in model.requests[0]


def test_a_failure_after_a_tool_round_keeps_the_round(app_client: Client, model: ScriptedModel) -> None:
    from tests.model_server import refuses

    model.will(calls(("calculate", {"expression": "6*7"})), refuses(400), says("So 42."))
    assert app_client.post_chat("6*7?").status_code == 502
    assert [m["tool_result"] and m["tool_result"][0] for m in app_client.state()["messages"]] == [None, "calculate"]
    assert texts(app_client.chat("Well?"))[-1] == ("agent", "So 42.")
    roles = ["system", "user", "assistant", "tool", "assistant", "user"]  # strict templates want an answer in between
    assert [message["role"] for message in model.prompts[-1]] == roles
