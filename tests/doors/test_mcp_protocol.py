"""How the MCP server answers messages, headers and origins that the packages never send."""

import json
import tomllib
import uuid
from typing import Any

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests import factories
from tests.client import Client
from tests.clients.meetings import busy_session
from tests.root import ROOT

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
JSON = {"Accept": "application/json"}


def send(client: Client, path: str, body: Any, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("POST", path, json=body, headers={"X-Session-Id": "", **JSON, **named})


def rpc(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ([], {}, 400, -32700),
        ({"id": 1, "method": "ping"}, {}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 7}, {}, 400, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, {}, 400, -32600),
        ({**rpc("ping"), "params": []}, {}, 400, -32600),
        (rpc("resources/list"), {}, 200, -32601),
        (rpc("tools/call", name="ask_nobody", arguments={}), {}, 200, -32602),
        (rpc("tools/list"), {"MCP-Protocol-Version": "2031-01-01"}, 400, -32022),
        (rpc("tools/list"), MODERN, 400, -32602),
        (rpc("tools/list", _meta=META), {}, 400, -32020),
        (rpc("tools/list", _meta=META), {**MODERN, "Mcp-Method": "tools/call"}, 400, -32020),
        (rpc("tools/call", _meta=META, name="a"), {**MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "b"}, 400, -32020),
        (rpc("ping", _meta=META), {**MODERN, "Mcp-Method": "ping"}, 404, -32601),
    ],
)
def test_messages_that_break_the_protocol(
    app_client: Client, body: Any, headers: dict[str, str], status: int, code: int
) -> None:
    response = send(app_client, "/mcp", body, **headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers["Content-Type"].startswith("application/json")


def test_errors_outside_of_the_protocol_have_its_form_too(app_client: Client) -> None:
    refused = {
        404: app_client.request("POST", "/mcp/a/b"),
        413: app_client.request("POST", "/mcp", content=b"x" * 1_100_000),
        400: app_client.request("POST", "/mcp", headers={"Host": "nowhere.example"}),
        415: app_client.request("POST", "/mcp", content=b"x", headers={"Content-Type": "text/csv"}),
    }
    for status, response in refused.items():
        error = response.json()["error"]
        assert (response.status_code, error["code"], error["data"]["status"]) == (status, -32600, status)
        assert error["data"]["request_id"] == response.headers["X-Request-Id"]


def test_a_handshake_offers_a_version_that_both_speak(client: Client) -> None:
    for asked, answered in (("2025-03-26", "2025-03-26"), ("2019-01-01", "2025-11-25")):
        response = send(client, "/mcp", rpc("initialize", protocolVersion=asked))
        assert response.json()["result"]["protocolVersion"] == answered
        assert response.headers["Mcp-Session-Id"]
    noted = send(client, "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (noted.status_code, noted.content) == (202, b"")
    assert send(client, "/mcp", {"jsonrpc": "2.0", "id": 1, "result": {}}).status_code == 202
    assert send(client, "/mcp", rpc("ping")).json()["result"] == {}


def test_tools_say_what_each_app_is_for_and_the_server_its_version(
    app_client: Client, app: App, other_app: App
) -> None:
    app_client.key = factories.make_key(app, other_app).plain
    App.objects.filter(pk=app.pk).update(description="Answers questions about orders.\u202e")
    tools = {tool["name"]: tool for tool in send(app_client, "/mcp", rpc("tools/list")).json()["result"]["tools"]}
    described, plain = tools[f"ask_{app.slug}"]["description"], tools[f"ask_{other_app.slug}"]["description"]
    assert described.startswith("Answers questions about orders.\n\nSend a message to the AI assistant ")
    assert plain.startswith("Send a message to the AI assistant ")
    about = send(app_client, "/mcp", rpc("initialize", protocolVersion="2025-11-25")).json()["result"]["serverInfo"]
    assert about["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_a_name_in_base64_is_read(app_client: Client, app: App) -> None:
    name = "=?base64?YXNrX25vYm9keQ==?="  # ask_nobody
    body = rpc("tools/call", _meta=META, name="ask_nobody")
    response = send(app_client, "/mcp", body, **{**MODERN, "Mcp-Method": "tools/call", "Mcp-Name": name})
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)


def test_a_client_that_accepts_no_stream_gets_json(app_client: Client, app: App) -> None:
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi"})
    result = send(app_client, "/mcp", call).json()["result"]
    assert result["structuredContent"]["answer"] == "Hello."
    busy = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi", "session_id": busy_session(app)})
    refused = send(app_client, "/mcp", busy)
    assert (refused.status_code, refused.headers["Retry-After"]) == (200, "1")
    assert refused.json()["result"]["isError"] is True


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "message is missing"),
        ({"message": " "}, "message is missing or empty"),
        ({"message": "x" * 40_000}, "longer than 32000"),
        ({"message": "Hi", "temperature": 1}, "there is no argument 'temperature'"),
        ({"message": "Hi", "session_id": "mine"}, "session_id is not from an earlier answer"),
        ([], "arguments must be an object"),
    ],
)
def test_invalid_arguments_are_reported_to_the_model(
    app_client: Client, app: App, arguments: Any, problem: str
) -> None:
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments=arguments)
    result = send(app_client, "/mcp", call).json()["result"]
    assert result["isError"] is True
    assert problem in result["content"][0]["text"]
    assert not ChatSession.objects.filter(app=app).exists()


def test_a_repeated_call_is_one_turn(app_client: Client, app: App) -> None:
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi"})
    results = [send(app_client, "/mcp", call, Idempotency_Key="once").json()["result"] for _ in range(2)]
    assert results[0] == results[1]
    assert ChatSession.objects.get(app=app).messages.count() == 2


def test_a_session_of_another_app_is_not_continued(app: App, other_app: App, app_client: Client) -> None:
    app_client.key = factories.make_key(app, other_app).plain
    session = factories.make_session(other_app, [("user", "private")])
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi", "session_id": str(session.pk)})
    for extra in ({}, {"requestState": str(session.pk), "inputResponses": {}}):
        result = send(app_client, "/mcp", {**call, "params": {**call["params"], **extra}}).json()["result"]
        assert result["_meta"]["aomi/error"]["code"] == "session_not_available"


def test_a_header_names_the_session_too(app_client: Client, app: App) -> None:
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi"})
    headers = {"X_Session_Id": app_client.session_id}
    first = send(app_client, "/mcp", call, **headers).json()["result"]["structuredContent"]
    assert first["session_id"] == app_client.session_id
    for params in (
        {"arguments": {"message": "Hi", "session_id": str(uuid.uuid4())}},
        {"requestState": str(uuid.uuid4()), "inputResponses": {}},
    ):
        result = send(app_client, "/mcp", rpc("tools/call", name=f"ask_{app.slug}", **params), **headers).json()[
            "result"
        ]
        assert result["_meta"]["aomi/error"]["code"] == "invalid_request"
        assert "another session than the header X-Session-Id" in result["content"][0]["text"]
    malformed = send(app_client, "/mcp", call, X_Session_Id="mine").json()["result"]
    assert "X-Session-Id" in malformed["content"][0]["text"]
    assert ChatSession.objects.filter(app=app).count() == 1


def test_a_client_that_prefers_json_gets_no_stream(app_client: Client, app: App) -> None:
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi"})
    response = send(app_client, "/mcp", call, Accept="application/json, text/event-stream;q=0")
    assert response.headers["Content-Type"].startswith("application/json")


def test_401_tells_how_to_sign_in(client: Client, app: App) -> None:
    for headers in ({}, {"Authorization": "Bearer sk-wrong"}, {"Authorization": "Bearer another-systems"}):
        response = send(client, f"/mcp/{app.slug}", rpc("tools/list"), **headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="App key", error="invalid_token"')
        error = response.json()["error"]
        assert (error["data"]["code"], error["data"]["request_id"]) == (
            "invalid_app_key",
            response.headers["X-Request-Id"],
        )
        assert "Authorization: Bearer sk-" in error["message"]
        assert "AOMI-APP-KEY" in error["message"]


def test_other_methods_and_paths_get_errors_of_the_protocol(client: Client) -> None:
    for method in ("GET", "DELETE"):
        response = client.request(method, "/mcp", headers={"Accept": "text/event-stream"})
        assert (response.status_code, response.json()["error"]["data"]["code"]) == (405, "method_not_allowed")
    response = client.request("POST", "/mcp/a/b", json={})
    assert (response.status_code, response.json()["error"]["data"]["code"]) == (404, "not_found")


def test_only_scripts_of_allowed_websites_may_call(app_client: Client, app: App) -> None:
    App.objects.filter(pk=app.pk).update(allowed_origins="https://chat.example")
    listing = rpc("tools/list")
    for path in ("/mcp", f"/mcp/{app.slug}"):
        response = send(app_client, path, listing, Origin="https://evil.example")
        assert (response.status_code, response.json()["error"]["data"]["code"]) == (403, "origin_not_allowed")
        assert "Access-Control-Allow-Origin" not in response.headers
        allowed = send(app_client, path, listing, Origin="https://chat.example")
        # The default App does not name this website.
        assert [tool["name"] for tool in allowed.json()["result"]["tools"]] == [f"ask_{app.slug}"]
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://chat.example"
    own = str(app_client.http.base_url).rstrip("/")
    assert send(app_client, "/mcp", listing, Origin=own).status_code == 200
    asked = {"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"}
    preflight = app_client.request("OPTIONS", "/mcp", headers=asked)
    assert "mcp-protocol-version" in preflight.headers["Access-Control-Allow-Headers"].lower()


def test_a_stream_contains_only_messages(app_client: Client, app: App) -> None:
    call = rpc("tools/call", name=f"ask_{app.slug}", arguments={"message": "Hi"})
    response = send(app_client, "/mcp", call, Accept="application/json, text/event-stream")
    assert response.headers["Content-Type"] == "text/event-stream"
    (line,) = response.text.strip().splitlines()
    assert json.loads(line.removeprefix("data: "))["id"] == 7
