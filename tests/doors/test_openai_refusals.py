"""Refusals under /v1: each 400 names its parameter, in plain words."""

import json
import uuid
from typing import Any

import psycopg
import pytest
from django.test import RequestFactory

from apps_registry.models import App
from chat.doors.errors import server_error
from sessions_app.models import ChatSession
from tests import factories
from tests.client import Client
from tests.model_server import ScriptedModel, calls, says

CHAT, RESPONSES, CONVERSATIONS = "/v1/chat/completions", "/v1/responses", "/v1/conversations"
TOOL = {"name": "get_weather", "parameters": {"type": "object"}}
USER = {"role": "user", "content": "Hi"}


def function(**more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {**TOOL, **more}}


def tool(**more: Any) -> dict[str, Any]:
    return {"type": "function", **TOOL, **more}


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("POST", path, json=body, headers=named)


def error(response: Any, status: int = 400) -> tuple[str, str]:
    """Return the parameter and the sentence of a refusal."""
    assert response.status_code == status, response.text
    problem = response.json()["error"]
    assert problem["type"] == "invalid_request_error"
    return problem["param"], problem["message"]


@pytest.fixture
def v1(app_client: Client, app: App) -> Client:
    """A client that names no session, and whose App takes tools."""
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    app_client.session_id = ""
    return app_client


@pytest.mark.parametrize(
    ("more", "param", "problem"),
    [
        ({"messages": None}, "messages", "it must be a list"),
        ({"messages": []}, "messages", "it has no message to answer"),
        ({"messages": ["Hi"]}, "messages[0]", "it must be an object"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "the message is missing or empty"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0]", "it has no type; send text"),
        ({"model": 7}, "model", "it must be text"),
        ({"stream": "perhaps"}, "stream", "it must be true or false"),
        ({"stream_options": []}, "stream_options", "it must be an object"),
        ({"temperature": "hot"}, "temperature", "it must be a number"),
        ({"temperature": 9}, "temperature", "it must be at most 2"),
        ({"max_tokens": 0}, "max_tokens", "it must be at least 1"),
        ({"max_tokens": 1.5}, "max_tokens", "it must be a whole number"),
        ({"n": 2}, "n", "it is not supported"),
        ({"tools": {}}, "tools", "it must be a list"),
        ({"tools": ["x"]}, "tools[0]", "it must be an object"),
        ({"tools": [{"type": "custom"}]}, "tools[0].type", "it must be 'function'"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "it is missing"),
        ({"tools": [function(name=7)]}, "tools[0].function.name", "it must be text"),
        ({"tools": [function(name="calculate")]}, "tools[0].function.name", "the name 'calculate' is taken"),
        ({"tools": [function(), function()]}, "tools[1].function.name", "the name 'get_weather' is taken"),
        ({"tools": [function(name="no spaces")]}, "tools[0].function.name", "a name must have"),
        ({"tools": [function(description="x" * 5_000)]}, "tools[0].function.description", "longer than 4000"),
        ({"tools": [function(parameters={"type": "array"})]}, "tools[0].function.parameters", "'get_weather'"),
        ({"tools": [function(name=f"t{n}") for n in range(500)]}, "tools", "there are 500 tools; the limit is 64"),
        ({"tool_choice": "required"}, "tool_choice", 'only "auto" and "none"'),
        ({"metadata": {"session_id": "mine"}}, "metadata.session_id", "it must be a random UUID"),
    ],
)
def test_completions_name_the_parameter(v1: Client, app: App, more: Any, param: str, problem: str) -> None:
    named, sentence = error(post(v1, CHAT, {"model": app.slug, "messages": [USER], **more}))
    assert named == param
    assert sentence.startswith(f"{param}: ")
    assert problem in sentence
    assert not ChatSession.objects.filter(app=app).exists()


@pytest.mark.parametrize(
    ("more", "param", "problem"),
    [
        ({"input": []}, "input", "it has no message to answer"),
        ({"input": 7}, "input", "it must be text or a list of items"),
        ({"input": ["Hi"]}, "input[0]", "it must be an object"),
        ({"input": [{"type": "item_reference"}]}, "input[0].id", "it must be the id of an item"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type", "the type 'computer_call' is not supported"),
        ({"input": [{"type": None}]}, "input[0].type", "it has no type"),
        ({"input": " "}, "input", "the message is missing or empty"),
        ({"conversation": {}}, "conversation", "it must be the id of a conversation"),
        ({"conversation": 7}, "conversation", "it must be the id of a conversation"),
        ({"store": 7}, "store", "it must be true or false"),
        ({"top_p": 2}, "top_p", "it must be at most 1"),
        (
            {"text": {"format": {"type": "poem"}}},
            "text.format.type",
            "it must be 'text', 'json_object' or 'json_schema'",
        ),
        ({"metadata": {"case": 7}}, "metadata.case", "it must be text"),
        ({"tools": [{}]}, "tools[0].type", "it has no type"),
        ({"tools": [tool(name=None)]}, "tools[0].name", "it must be text"),
        ({"tools": [tool(name="calculate")]}, "tools[0].name", "the name 'calculate' is taken"),
        ({"tools": [tool(description="x" * 5_000)]}, "tools[0].description", "longer than 4000"),
        ({"tools": [tool(parameters={"type": "array"})]}, "tools[0].parameters", "'get_weather'"),
    ],
)
def test_responses_name_the_parameter(v1: Client, app: App, more: Any, param: str, problem: str) -> None:
    named, sentence = error(post(v1, RESPONSES, {"model": app.slug, "input": "Hi", **more}))
    assert named == param
    assert sentence.startswith(f"{param}: ")
    assert problem in sentence
    assert not ChatSession.objects.filter(app=app).exists()


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_an_app_that_accepts_no_tools_does_not_support_the_parameter(v1: Client, app: App, path: str) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=False)
    body = {"messages": [USER], "tools": [function()]} if path == CHAT else {"input": "Hi", "tools": [tool()]}
    refused = post(v1, path, {"model": app.slug, **body})
    assert error(refused) == ("tools", "tools: this App does not accept tools from callers.")
    assert refused.json()["error"]["code"] == "unsupported_parameter"


def test_mistakes_outside_of_the_parameters_are_named_too(v1: Client, app: App) -> None:
    body = {"model": app.slug, "messages": [USER]}
    as_json = {"Content-Type": "application/json"}
    for content in (b"[]", b"{", b'{"model": '):
        assert error(v1.request("POST", CHAT, content=content, headers=as_json))[0] == "body"
    assert error(post(v1, CHAT, body, Idempotency_Key="x" * 300))[0] == "Idempotency-Key"
    assert error(post(v1, CHAT, body, X_Session_Id="mine"))[0] == "X-Session-Id"
    assert error(v1.request("GET", "/v1/models", headers={"Host": "nowhere.example"}))[0] == "Host"
    long = {**body, "messages": [{"role": "user", "content": "x" * 40_000}]}
    assert error(post(v1, CHAT, long), 413)[0] == "messages"
    session = {"X_Session_Id": str(uuid.uuid4()), "Idempotency_Key": "once"}
    assert post(v1, CHAT, body, **session).is_success
    other = {**body, "messages": [{"role": "user", "content": "Another"}]}
    assert error(post(v1, CHAT, other, **session), 422)[0] == "Idempotency-Key"


def test_another_media_type_is_refused_in_words_that_help(v1: Client) -> None:
    for path in (CHAT, RESPONSES, "/mcp"):
        refused = v1.request(
            "POST", path, content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert refused.status_code == 415
        sentence = refused.json()["error"]["message"]
        assert sentence == "The body has an unsupported Content-Type; send application/json."


@pytest.mark.parametrize("path", ["/v1/models", "/mcp"])
def test_a_failure_outside_of_a_view_says_whether_the_database_is_away(path: str) -> None:
    request = RequestFactory().get(path)
    told = {}
    for failure in (psycopg.OperationalError(), ValueError("A secret.")):
        try:
            raise failure
        except Exception:
            response = server_error(request)
        told[response.status_code] = json.loads(response.content)["error"]["message"]
    assert told[503].startswith("The database is not available")
    assert told[500] == "The server failed; nothing is wrong with the request."


def test_two_names_for_different_sessions_contradict_each_other(v1: Client, app: App) -> None:
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    named = {"model": app.slug, "messages": [USER], "metadata": {"session_id": one.upper()}}
    assert error(post(v1, CHAT, named, X_Session_Id=two)) == (
        "X-Session-Id",
        "X-Session-Id: it names another session than metadata.session_id.",
    )
    assert post(v1, CHAT, named, X_Session_Id=one).headers["X-Session-Id"] == one
    body = {"model": app.slug, "input": "Hi"}
    unstored = post(v1, RESPONSES, {**body, "store": False}, X_Session_Id=two)
    assert error(unstored) == (
        "X-Session-Id",
        "X-Session-Id: it needs a response that is stored, but store is false.",
    )
    for other in (error(post(v1, RESPONSES, {**body, "conversation": one}, X_Session_Id=two)),):
        assert other == ("X-Session-Id", "X-Session-Id: it names another session than conversation.")
    assert post(v1, RESPONSES, {**body, "conversation": one}, X_Session_Id=one).is_success
    assert not ChatSession.objects.filter(pk=two).exists()


def test_a_response_is_continued_in_its_own_session_or_in_none_that_is_named(v1: Client, app: App) -> None:
    body = {"model": app.slug, "input": "Hi"}
    first = post(v1, RESPONSES, body)
    session, after = first.headers["X-Session-Id"], {**body, "previous_response_id": first.json()["id"]}
    another = str(uuid.uuid4())
    refused = error(post(v1, RESPONSES, after, X_Session_Id=another))
    assert refused == ("X-Session-Id", "X-Session-Id: it names another session than previous_response_id.")
    for method, path in (
        ("GET", f"{RESPONSES}/{first.json()['id']}"),
        ("POST", f"{RESPONSES}/{first.json()['id']}/cancel"),
        ("DELETE", f"{RESPONSES}/{first.json()['id']}"),
        ("GET", f"{CONVERSATIONS}/{session}"),
        ("DELETE", f"{CONVERSATIONS}/{session}"),
        ("GET", f"{CONVERSATIONS}/{session}/items"),
    ):
        assert error(v1.request(method, path, headers={"X-Session-Id": another}))[0] == "X-Session-Id"
    assert post(v1, RESPONSES, after, X_Session_Id=session).headers["X-Session-Id"] == session
    # The session has continued: the answer would be in another session than the caller names.
    assert "has gone on" in error(post(v1, RESPONSES, after, X_Session_Id=session))[1]
    assert post(v1, RESPONSES, after).headers["X-Session-Id"] != session


def test_answers_of_tools_belong_to_the_session_that_is_named(v1: Client, app: App, model: ScriptedModel) -> None:
    model.will(calls(("get_weather", {})), says("Rain."))
    asked = post(v1, RESPONSES, {"model": app.slug, "input": "Weather?", "tools": [tool()]}).json()
    answer = {"type": "function_call_output", "call_id": asked["output"][0]["call_id"], "output": "Rain."}
    body = {"model": app.slug, "input": [answer]}
    refused = post(v1, RESPONSES, body, X_Session_Id=str(uuid.uuid4()))
    assert error(refused) == (
        "X-Session-Id",
        "X-Session-Id: it names another session than the calls that input answers.",
    )
    assert post(v1, RESPONSES, body).json()["output"][0]["content"][0]["text"] == "Rain."


def test_a_conversation_gets_the_id_that_the_header_names(v1: Client, app: App, other_app: App) -> None:
    named = uuid.uuid4()
    made = post(v1, CONVERSATIONS, {}, X_Session_Id=str(named)).json()
    assert made["id"] == f"conv_{named.hex}"
    private = factories.make_session(other_app, [("user", "private")])
    for session in (named, private.pk):
        body = {"items": [{"role": "user", "content": "Mine"}]}
        assert error(post(v1, CONVERSATIONS, body, X_Session_Id=str(session)))[0] == "X-Session-Id"
    assert private.messages.count() == 1


def test_a_call_without_a_valid_key_reads_how_to_send_one(v1: Client, app: App) -> None:
    wrong = ({"Authorization": "Bearer sk-wrong"}, {"Authorization": "Bearer another"}, {"AOMI-APP-KEY": "sk-wrong"})
    messages = set()
    for headers in wrong:
        refused = v1.request("GET", "/v1/models", headers={"AOMI-APP-KEY": "", **headers})
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        messages.add(refused.json()["error"]["message"])
    (sentence,) = messages
    assert "Authorization: Bearer sk-" in sentence
    assert "AOMI-APP-KEY" in sentence
