"""The mcp package for Python against /mcp, in both eras of the protocol."""

import asyncio
import threading
import uuid
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from apps_registry.models import App
from keys.limits.values import key_subject
from sessions_app.models import ChatSession, Turn
from tests import factories
from tests.accounts import limit
from tests.clients.meetings import busy_session
from tests.doors.mcp_client import ERAS, call, reply_text, use
from tests.model_server import Reply, ScriptedModel, calls, chunk, refuses, says, tool_results
from tests.product import Server

pytestmark = pytest.mark.parametrize("era", ERAS)


@pytest.fixture
def key(app: App) -> str:
    return factories.make_key(app).plain


@pytest.mark.shows("mcp-python", "list")
def test_each_app_of_the_key_is_a_tool(server: Server, app: App, other_app: App, key: str, era: str) -> None:
    async def listed(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = use(server, "/mcp", key, era, listed)
    assert [tool.name for tool in tools] == ["ask_default", f"ask_{app.slug}"]
    assert (tools[1].title, list(tools[1].input_schema["properties"])) == (app.name, ["message", "session_id"])
    (only,) = use(server, f"/mcp/{app.slug}", key, era, listed)
    assert only.name == f"ask_{app.slug}"
    assert [tool.name for tool in use(server, "/mcp", None, era, listed)] == ["ask_default"]


@pytest.mark.shows("mcp-python", "turn")
def test_a_turn_and_the_next_one_of_its_conversation(
    server: Server, app: App, key: str, model: ScriptedModel, era: str
) -> None:
    model.will(says("Nice to meet you."), says("Ada."))
    first = call(server, app, key, era, "I am Ada.")
    assert (reply_text(first), first.is_error) == ("Nice to meet you.", False)
    session_id = first.structured_content["session_id"]
    assert first.structured_content == {
        "session_id": session_id,
        "status": "completed",
        "answer": "Nice to meet you.",
        "citations": [],
    }
    assert session_id in first.content[1].text
    assert reply_text(call(server, app, key, era, "Who am I?", session_id=session_id)) == "Ada."
    assert [message["content"] for message in model.prompts[1][1:]] == ["I am Ada.", "Nice to meet you.", "Who am I?"]
    assert not ChatSession.objects.get(pk=session_id).is_stateless


@pytest.mark.shows("mcp-python", "app_tool")
def test_tools_of_the_app_run_on_the_server_and_are_reported_as_progress(
    server: Server, app: App, key: str, model: ScriptedModel, era: str
) -> None:
    heard: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async def work(client: Client) -> Any:
        return await client.call_tool(f"ask_{app.slug}", {"message": "6*7?"}, progress_callback=hear)

    model.will(calls(("calculate", {"expression": "6*7"})), says("It is 42."))
    assert reply_text(use(server, "/mcp", key, era, work)) == "It is 42."
    assert tool_results(model.prompts[1]) == ['{"result":"42","exact":true}']
    assert [message for _, message in heard][:2] == ["Calling calculate", "calculate has answered"]
    numbers = [number for number, _ in heard]
    assert numbers == sorted(set(numbers))


@pytest.mark.shows("mcp-python", "confirmation")
@pytest.mark.parametrize("approves", [True, False])
def test_a_confirmation(server: Server, app: App, key: str, model: ScriptedModel, era: str, *, approves: bool) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calls(("calculate", {"expression": "6*7"}), text="I calculate."), says("That was it."))
    asked: list[str] = []

    async def decide(_: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": approves})

    result = call(server, app, key, era, "6*7?", elicitation_callback=decide)
    if era == "legacy":  # the protocol cannot ask the user without a session on one worker
        assert asked == []
        assert result.structured_content["status"] == "needs_confirmation"
        assert 'calculate({"expression": "6*7"})' in reply_text(result)
        session_id = result.structured_content["session_id"]
        result = call(server, app, key, era, "yes" if approves else "no", session_id=session_id)
        assert reply_text(result) == "That was it."
    else:
        assert asked == ['The assistant wants to make this call: calculate({"expression": "6*7"}). Do you allow it?']
        assert reply_text(result) == "I calculate.\n\nThat was it."
    (outcome,) = tool_results(model.prompts[1])
    assert outcome == '{"result":"42","exact":true}' if approves else "it was not made" in outcome


def test_a_client_that_cannot_ask_its_user_gets_the_question_as_text(
    server: Server, app: App, key: str, model: ScriptedModel, era: str
) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calls(("calculate", {"expression": "6*7"})))
    assert "needs the user's approval" in reply_text(call(server, app, key, era, "6*7?"))


@pytest.mark.shows("mcp-python", "interrupt")
def test_a_cancelled_call_stops_its_turn(server: Server, app: App, key: str, model: ScriptedModel, era: str) -> None:
    streams = threading.Event()
    model.will(Reply([chunk({"content": "Once upon"})], then="hang"))
    session_id = str(uuid.uuid4())

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        streams.set()

    async def work(client: Client) -> None:
        arguments = {"message": "A long story", "session_id": session_id}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.call_tool(f"ask_{app.slug}", arguments, progress_callback=hear))
            assert await asyncio.to_thread(streams.wait, 30)
            tasks.cancel_scope.cancel()
        # The session soon accepts the next message. If a client disconnects at once, its notification may be lost.
        while (await client.call_tool(f"ask_{app.slug}", {**arguments, "message": "And?"})).is_error:
            await asyncio.sleep(0.05)

    use(server, "/mcp", key, era, work)
    story, _ = Turn.objects.filter(session=uuid.UUID(session_id)).order_by("started_at")
    assert story.status == "interrupted"


@pytest.mark.shows("mcp-python", "busy", "rate_limit")
def test_refusals_are_reported_to_the_model(server: Server, app: App, key: str, model: ScriptedModel, era: str) -> None:
    busy = call(server, app, key, era, "Hi", session_id=busy_session(app))
    assert (busy.is_error, busy.meta["aomi/error"]) == (True, {"code": "session_busy", "retryAfter": 1})
    assert reply_text(busy) == "A turn is running in this session; nothing was stored. Try again in 1 seconds."
    issued = factories.make_key(app)
    limit(key_subject(issued.app_key.pk), requests_per_minute=1, burst=1)
    limited = issued.plain
    model.will(says("Once."))
    assert reply_text(call(server, app, limited, era, "Hi")) == "Once."
    assert call(server, app, limited, era, "Hi").meta["aomi/error"]["code"] == "rate_limited"
    model.will(refuses(400))
    failed = call(server, app, key, era, "Hi")
    assert (failed.is_error, failed.meta["aomi/error"]) == (True, {"code": "model_error"})
    nonsense = call(server, app, key, era, "Hi", session_id="my session")
    assert "session_id" in reply_text(nonsense)


@pytest.mark.shows("mcp-python", "wrong_key")
def test_a_wrong_key(server: Server, app: App, other_app: App, key: str, era: str) -> None:
    for path, wrong in (("/mcp", "sk-wrong"), (f"/mcp/{app.slug}", None), (f"/mcp/{other_app.slug}", key)):
        with pytest.raises((MCPError, ExceptionGroup)):
            use(server, path, wrong, era, lambda client: client.list_tools())
