"""The OpenAPI document: valid, complete, correct about both streams, and readable in a browser without the internet."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from django.urls import URLPattern
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from apps_registry.models import App
from chat.schema.contract import CALLS, document
from chat.urls import urlpatterns
from chat.wire.values import EXAMPLE_WALLET
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, refuses, says
from tests.product import NO_TLS, Server
from tests.root import ROOT
from tests.sse import Updates, events_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

METHODS = ("get", "post", "put", "patch", "delete", "head", "trace")


def check(shape: dict[str, Any], value: Any) -> None:
    """Raise an error if a value does not match its schema in the document."""
    OAS31Validator({**shape, "components": document()["components"]}).validate(value)


def component(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_the_document_is_public_and_valid(server: Server) -> None:
    answer = server.get("/api/schema")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(answer.json()).validate()
    assert answer.json() == json.loads(json.dumps(document()))
    assert httpx2.post(f"{server.url}/api/schema", verify=NO_TLS).json()["code"] == "method_not_allowed"


def test_every_call_is_described_and_no_other() -> None:
    served = set()
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        view: Any = pattern.callback
        path = "/api/" + str(pattern.pattern).replace("<str:", "{").replace(">", "}")
        served |= {(method.upper(), path) for method in METHODS if hasattr(view.cls, method)}
    described = {(method.upper(), path) for path, item in document()["paths"].items() for method in item}
    assert described == served
    assert set(CALLS) == served


def test_a_call_without_a_description_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    document.cache_clear()
    monkeypatch.delitem(CALLS, ("GET", "/api/state"))
    with pytest.raises(LookupError, match="GET /api/state"):
        document()


def test_the_command_writes_the_same_document(manage: Callable[..., Result], server: Server) -> None:
    written = manage("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn")
    assert written.code == 0
    assert json.loads(written.out) == server.get("/api/schema").json()


def test_operation_ids_are_valid_function_names() -> None:
    names = [operation["operationId"] for item in document()["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names), names
    assert {"chat", "getState", "streamUpdates", "listSessions"} <= set(names)


def test_every_shape_of_an_object_has_a_name() -> None:
    def nested(node: Any) -> Iterator[Any]:
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from [child] if isinstance(child, dict) and isinstance(child.get("properties"), dict) else ()
            yield from nested(child)

    assert list(nested(document()["paths"])) == []
    for name, shape in document()["components"]["schemas"].items():
        assert list(nested(shape)) == [], name


def test_the_example_of_a_wallet_is_a_good_address(client: Client) -> None:
    answer = client.request("GET", "/api/sessions", params={"public_key": EXAMPLE_WALLET})
    assert (answer.status_code, answer.json()) == (200, [])


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert document()["info"]["version"] == project["version"]


def examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every example in the document, with its schema."""
    if isinstance(node, list):
        for child in node:
            yield from examples(child)
    elif isinstance(node, dict):
        if isinstance(node.get("schema"), dict) and "example" in node:
            yield node["schema"], node["example"]
        if isinstance(node.get("examples"), list):
            yield from ((node, example) for example in node["examples"])
        for name, child in node.items():
            if name not in {"example", "examples"}:
                yield from examples(child)


def test_examples_have_the_shapes_that_they_are_examples_of() -> None:
    pairs = list(examples(document()))
    assert len(pairs) > 30
    for shape, example in pairs:
        check(shape, example)


def test_questions_to_the_user_are_as_described(app_client: Client, app: App, model: ScriptedModel) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calls(("calculate", {"expression": "6*7"})))
    with Updates(app_client) as reader:
        snapshot = app_client.chat("6*7?")
        check(component("UpdateEvent"), reader.wait_for(lambda event: event["type"] == "inline_call"))
    check(component("Snapshot"), snapshot)
    payload = {"call_id": snapshot["system_events"][0]["InlineCall"]["payload"]["call_id"], "approved": True}
    body = {"message": json.dumps({"type": "confirm_tool", "payload": payload})}
    check(component("Message"), app_client.request("POST", "/api/system", json=body).json()["res"])


def test_the_chat_stream_is_as_described(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"}), text="Let me see."), says("It is 42."), refuses(400))
    for types in (["text", "tool_call", "tool_result", "text", "complete"], ["error", "complete"]):
        query = {"message": "6*7?", "app": str(app_client.app)}
        answer = app_client.request("POST", "/api/chat", params=query, headers={"Accept": "text/event-stream"})
        events = events_of(answer)
        assert list(dict.fromkeys(event["type"] for event in events)) == list(dict.fromkeys(types))
        for event in events:
            check(component("ChatEvent"), event)


def test_the_updates_are_as_described(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"})), says("It is 42."))
    with Updates(app_client) as updates:
        app_client.chat("6*7?")
        app_client.request("POST", "/api/system", params={"message": "wallet connected"})
        updates.wait_for(lambda event: event["type"] == "system_notice")
    seen = {event["type"] for event in updates.events}
    assert seen == {"status_changed", "message_delta", "tool_update", "tool_complete", "system_notice"}
    for event in updates.events:
        check(component("UpdateEvent"), event)


def test_errors_that_need_a_cause_are_as_described(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(400), says("So", " slow", ".", pause=0.5))
    query = {"message": "Hi", "app": str(app_client.app)}
    failed = app_client.request("POST", "/api/chat", params=query)
    begun = app_client.request("POST", "/api/chat", params=query, headers={"Prefer": "respond-async"})
    busy = app_client.request("POST", "/api/chat", params=query)
    too_long = app_client.request("POST", "/api/chat", json={"message": "x" * 32_001})
    assert [answer.status_code for answer in (failed, begun, busy, too_long)] == [502, 200, 409, 413]
    for answer in (failed, busy, too_long):
        described = document()["components"]["responses"][f"Problem{answer.status_code}"]
        check(described["content"][answer.headers["Content-Type"]]["schema"], answer.json())
        assert set(described.get("headers", {})) <= {name.title() for name in answer.headers}


@pytest.mark.thorough
@pytest.mark.browser
def test_the_documentation_reads_without_the_internet(server: Server, browser_page: "Page") -> None:
    complaints: list[str] = []
    asked: list[str] = []
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    browser_page.on("request", lambda request: asked.append(request.url))
    browser_page.goto(f"{server.url}/api/docs")
    browser_page.wait_for_selector("h1:has-text('Aomi Apps')")
    assert browser_page.locator(".opblock").count() == sum(len(item) for item in document()["paths"].values())
    browser_page.click("#operations-chat-chat .opblock-summary-control")
    browser_page.wait_for_selector("#operations-chat-chat >> text=Idempotency-Key")
    assert [url for url in asked if not url.startswith((server.url, "data:"))] == []
    assert complaints == []
