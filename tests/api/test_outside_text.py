"""Text of a provider or a tool never loses a reply, blocks a session or breaks a page of the console."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Console
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps_registry.models import App, Tool
from sessions_app.models import ChatSession, Message, SystemEvent, Turn
from tests import factories
from tests.client import Client, texts
from tests.conftest import Operator
from tests.model_server import DONE, Reply, ScriptedModel, calls, chunk, says, sse
from tests.product import Server
from tests.upstream import Upstream
from tests.wild import wild_json, wild_numbers, wild_text

ANYTHING = {"type": "object", "properties": {"x": {}}}

# Each example is a turn of a real server: shrinking a failing one would take minutes.
sometimes = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.explicit, Phase.generate),
)


@pytest.fixture
def app(app: App, upstream: Upstream) -> App:
    app.allowed_hosts = upstream.host
    app.save()
    factories.make_http_tool(
        app,
        f"{upstream.url}/",
        name="send",
        parameters=ANYTHING,
        method="POST",
        body={"x": "{{ args.x }}"},
        body_type="json",
    )
    return app


@pytest.fixture
def console(operator: Operator) -> Console:
    console = Console()
    console.force_login(User.objects.get(username=operator.username))
    return console


@pytest.fixture
def talk(server: Server, app: App, model: ScriptedModel, console: Console) -> Callable[..., dict[str, Any] | None]:
    """Have the model say this in a new session; return the snapshot if the model answered."""
    key = factories.make_key(app).plain

    def hold(*replies: Reply) -> dict[str, Any] | None:
        model.server.clear(model.model_id)
        model.will(*replies)
        with Client(server.url, app=app.slug, key=key) as client:
            answer = client.post_chat("Hi")
            assert answer.status_code in {200, 502}, answer.text
            state = client.state()
            assert state["status"] == "idle"
            turn = Turn.objects.get(session_id=client.uuid)
            for page in (f"chatsession/{client.session_id}", f"turn/{turn.pk}"):
                assert console.get(f"/admin/sessions_app/{page}/change/").status_code == 200
            assert turn.status == "completed"
            assert f"turn {turn.pk}" not in server.log  # the log reports no fault in it
            return state if answer.status_code == 200 else None

    return hold


@given(content=wild_text, reason=wild_text, call_id=wild_text, usage=st.tuples(wild_numbers, wild_numbers))
@pytest.mark.thorough
@sometimes
def test_all_text_of_a_provider_can_be_stored(
    talk: Callable[..., dict[str, Any] | None], content: str, reason: str, call_id: str, usage: tuple[Any, Any]
) -> None:
    tokens = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    end = [chunk({}, reason or "stop"), sse({"id": call_id, "choices": [], "usage": tokens}), DONE]
    snapshot = talk(Reply([chunk({"content": "A reply: "}), chunk({"content": content}), *end]))
    assert snapshot is not None
    assert texts(snapshot)[-1][1].startswith("A reply: ")


@given(
    call_id=wild_text,
    name=wild_text.filter(bool),
    arguments=st.one_of(wild_text, wild_json.map(json.dumps)),
    cut=st.integers(0),
)
@pytest.mark.thorough
@sometimes
def test_all_tool_calls_of_a_model_can_be_stored(
    talk: Callable[..., dict[str, Any] | None], call_id: str, name: str, arguments: str, cut: int
) -> None:
    at = cut % (len(arguments) + 1)
    pieces = [{"index": 0, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments[:at]}}]
    pieces.append({"index": 0, "function": {"arguments": arguments[at:]}})
    snapshot = talk(
        Reply([*(chunk({"tool_calls": [piece]}) for piece in pieces), chunk({}, "tool_calls"), DONE]), says("Done.")
    )
    assert snapshot is not None
    assert texts(snapshot)[-1] == ("agent", "Done.")


@given(argument=wild_json, result=st.one_of(wild_json.map(json.dumps), wild_text), status=st.sampled_from([200, 404]))
@pytest.mark.thorough
@sometimes
def test_all_tool_arguments_and_results_can_be_stored(
    talk: Callable[..., dict[str, Any] | None], upstream: Upstream, argument: Any, result: str, status: int
) -> None:
    body = result.encode("utf-8", "surrogatepass")
    upstream.handle = lambda handler, _: handler.reply(body, status)
    snapshot = talk(calls(("send", {"x": argument})), says("Done."))
    assert snapshot is not None
    assert texts(snapshot)[-1] == ("agent", "Done.")


def test_a_call_with_half_a_character_can_be_confirmed(app_client: Client, app: App, model: ScriptedModel) -> None:
    Tool.objects.filter(app=app, name="send").update(needs_confirmation=True)
    model.will(calls(("send", r'{"x": "\ud800\u0000 12345678901234567890"}')))
    snapshot = app_client.chat("Send it")
    (event,) = snapshot["system_events"]
    assert event["InlineCall"]["payload"]["arguments"] == {"x": "\ufffd\ufffd 12345678901234567890"}


def test_rows_that_were_stored_before_can_be_shown(app: App, console: Console) -> None:
    half = r'{"x": "\ud800"}'
    session = factories.make_session(app, messages=[("user", "Hi"), ("tool", half)], user_state=half)
    Message.objects.filter(session=session).update(tool_name="send", tool_arguments=half)
    SystemEvent.objects.create(session=session, kind="InlineCall", payload=half)
    page = console.get(f"/admin/sessions_app/chatsession/{session.pk}/change/")
    assert page.status_code == 200
    assert "\ufffd" in page.content.decode()


@contextmanager
def refusing(constraint: str, table: str = "sessions_app_turn") -> Iterator[None]:
    """Make Postgres refuse rows for which this is false, to simulate an unknown fault of ours."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({constraint}) NOT VALID")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refused")


def test_a_result_that_cannot_be_stored_is_stored_without_what_was_measured(
    app_client: Client, model: ScriptedModel
) -> None:
    model.will(says("The reply.", prompt_tokens=1313))
    with refusing("prompt_tokens <> 1313"):
        assert texts(app_client.chat("Hi"))[-1] == ("agent", "The reply.")
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.status, turn.prompt_tokens) == ("completed", None)


def test_a_reply_that_cannot_be_stored_at_all_ends_its_turn_as_failed(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("The unspeakable."), says("Something else."))
    with refusing("content NOT LIKE '%unspeakable%'", "sessions_app_message"):
        answer = app_client.post_chat("Hi")
        assert (answer.status_code, answer.json()["code"]) == (502, "model_error")
        assert app_client.state()["status"] == "idle"
        assert texts(app_client.chat("Go on"))[-1] == ("agent", "Something else.")
    first = Turn.objects.filter(session_id=app_client.uuid).earliest("started_at")
    assert (first.status, first.error_detail) == ("failed", "The model's answer could not be stored.")
    assert ChatSession.objects.get(pk=app_client.session_id).status == "idle"


def test_a_round_of_tools_that_cannot_be_stored_ends_its_turn_as_failed(
    app_client: Client, model: ScriptedModel
) -> None:
    model.will(calls(("send", {"x": "unspeakable"})), says("Done."))
    with refusing("tool_arguments NOT LIKE '%unspeakable%'", "sessions_app_message"):
        assert app_client.post_chat("Hi").status_code == 502
        assert app_client.state()["status"] == "idle"
