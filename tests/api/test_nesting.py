"""Deeply nested JSON is refused everywhere, and does no harm where it is stored already."""

import json
import uuid
from typing import Any

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests import factories
from tests.api.test_http_tools import ask, error_of
from tests.client import Client, texts
from tests.model_server import DONE, Reply, ScriptedModel, says
from tests.upstream import Upstream

LEVELS = "nested more than 20 levels deep"


def nested(depth: int) -> str:
    """Return an object of this depth."""
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize("depth", [21, 300, 1000, 2000])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/chat"), ("GET", "/api/state"), ("POST", "/api/sessions")])
def test_a_deep_user_state_is_refused_by_its_limit(client: Client, method: str, path: str, depth: int) -> None:
    sent: dict[str, Any] = {"message": "Hi", "user_state": nested(depth)}
    forms: list[dict[str, Any]] = [{"params": sent}, *([{"json": sent}] if method == "POST" else [])]
    for form in forms:
        answer = client.request(method, path, **form)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
        assert LEVELS in answer.json()["detail"]
    assert not ChatSession.objects.filter(pk=client.session_id).exists()


@pytest.mark.parametrize(("depth", "words"), [(21, LEVELS), (150, LEVELS), (300, "levels"), (100_000, "levels")])
def test_a_deep_object_within_a_body_is_refused_by_the_limit(client: Client, depth: int, words: str) -> None:
    body = f'{{"message": "Hi", "user_state": {nested(depth)}}}'
    for path in ("/api/chat", "/api/sessions", "/api/system"):
        answer = client.request("POST", path, content=body, headers={"Content-Type": "application/json"})
        if path == "/api/system" and depth < 200:  # which accepts no user_state
            continue
        assert answer.status_code == 400, answer.text
        assert words in answer.json()["detail"]


def test_a_state_of_the_greatest_depth_and_width_is_returned(client: Client) -> None:
    for state in (nested(20), json.dumps({str(n): n for n in range(1000)})):
        assert client.chat("Hi", user_state=state)["user_state"] == json.loads(state)
    wide = json.dumps({str(n): n for n in range(1001)})
    answer = client.post_chat("Hi", user_state=wide)
    assert (answer.status_code, "1000 entries" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("depth", [21, 300, 1000, 15_000])
@pytest.mark.parametrize(
    "form", ["[{}]", '{{"type":"wallet:tx_complete","payload":{}}}', '{{"type":"confirm_tool","payload":{}}}']
)
def test_a_deep_message_to_the_system_endpoint_is_refused(client: Client, form: str, depth: int) -> None:
    message = form.format("[" * depth + "]" * depth)
    answer = client.request("POST", "/api/system", json={"message": message})
    assert (answer.status_code, LEVELS in answer.json()["detail"]) == (400, True), answer.text
    assert client.request("GET", "/api/events").status_code == 404


@pytest.mark.parametrize("depth", [600, 1500, 100_000])
def test_a_deep_chunk_is_a_protocol_error_and_is_not_requested_again(
    app_client: Client, model: ScriptedModel, depth: int
) -> None:
    deep = b'data: {"choices": %s%s}\n\n' % (b"[" * depth, b"]" * depth)
    model.will(Reply([deep, DONE]))
    answer = app_client.post_chat("Hi")
    assert (answer.status_code, answer.json()["code"]) == (502, "model_error")
    assert "not a chat completion stream" in answer.json()["detail"]
    assert len(model.prompts) == 1


@pytest.fixture
def app(app: App, upstream: Upstream) -> App:
    app.allowed_hosts = upstream.host
    app.save()
    factories.make_http_tool(
        app, f"{upstream.url}/", name="look", parameters={"type": "object", "properties": {"x": {}}}
    )
    return app


@pytest.mark.parametrize("depth", [300, 1010, 10_000])
def test_deep_arguments_with_a_long_number_go_back_to_the_model(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, depth: int
) -> None:
    arguments = '{"x":12345678901234567890,"y":' + "[" * depth + "]" * depth + "}"
    (result,) = ask(app_client, model, ("look", arguments))
    assert "nested more than 100 levels" in error_of(result)
    assert not upstream.received


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_deep_answer_of_a_tool_is_an_error_of_the_tool(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, opening: str
) -> None:
    closing = "]" if opening == "[" else "}"
    deep: Any = opening * 100_000 + "1" + closing * 100_000
    upstream.handle = lambda handler, _: handler.reply(deep)
    (result,) = ask(app_client, model, ("look", {}))
    assert "nested too deeply" in error_of(result)
    model.will(says("Still here."))
    assert texts(app_client.chat(str(uuid.uuid4())))[-1] == ("agent", "Still here.")
