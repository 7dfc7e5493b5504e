"""The openai package for Python against /v1/responses."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from apps_registry.models import App, DocumentChunk
from keys.limits.values import key_subject
from sessions_app.models import ChatSession, Turn
from tests import factories
from tests.accounts import limit
from tests.api.token_calls import new_token
from tests.client import Client
from tests.clients.meetings import busy_session
from tests.commands import Result
from tests.model_server import DONE, Reply, ScriptedModel, calls, chunk, refuses, says, tool_results
from tests.openai_sdk import openai_client
from tests.product import Server
from tests.waiting import wait_until

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


def ask(sdk: openai.OpenAI, app: App, input_: Any, *, stream: bool = False, **more: Any) -> Response:
    """Return the response, read as a whole or from its events, which must be in order and agree with it."""
    if not stream:
        whole: Response = sdk.responses.create(model=app.slug, input=input_, **more)
        return whole
    return checked(sdk.responses.create(model=app.slug, input=input_, stream=True, **more))


def checked(stream: Iterator[ResponseStreamEvent]) -> Response:
    """Check the events of a stream against its last one, and return the response."""
    events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    first = [event.type for event in events if event.type != "response.queued"]
    assert first[:2] == ["response.created", "response.in_progress"]
    last: Any = events[-1]
    done: list[Any] = [event for event in events if event.type == "response.output_item.done"]
    assert [event.output_index for event in done] == list(range(len(done)))
    assert [event.item.to_dict() for event in done] == [item.to_dict() for item in last.response.output]
    for index, item in enumerate(last.response.output):
        parts: list[Any] = [event for event in events if getattr(event, "output_index", None) == index]
        text = "".join(event.delta for event in parts if event.type.endswith(".delta"))
        if item.type == "message":
            assert text == item.content[0].text
            assert parts[1].type == "response.content_part.added"
        elif item.type == "function_call":
            assert text == item.arguments
    assert last.response.id == events[0].response.id  # type: ignore[union-attr]
    response: Response = last.response
    return response


@pytest.mark.shows("openai-python-responses", "turn")
def test_a_response_can_be_asked_for_and_continued(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    model.will(says("Nice to meet you.", prompt_tokens=30), says("Ada."))
    first = ask(sdk, app, "I am Ada.", metadata={"case": "7"})
    assert (first.status, first.output_text, first.model) == ("completed", "Nice to meet you.", app.slug)
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.output_tokens, first.usage.total_tokens) == (30, 1, 31)
    second = ask(sdk, app, [{"role": "user", "content": "Who am I?"}], previous_response_id=first.id)
    assert (second.output_text, second.previous_response_id) == ("Ada.", first.id)
    _, *prompt = model.prompts[1]
    assert [message["content"] for message in prompt] == ["I am Ada.", "Nice to meet you.", "Who am I?"]
    again = sdk.responses.retrieve(first.id)
    assert again.to_dict() | {"completed_at": 0} == first.to_dict() | {"completed_at": 0}
    assert again.metadata == {"case": "7"}
    (item,) = sdk.responses.input_items.list(first.id)
    assert item.to_dict()["content"] == [{"type": "input_text", "text": "I am Ada."}]
    # A response that is no longer the last one is continued in a new session.
    model.will(says("Still Ada."))
    branch = ask(sdk, app, "And now?", previous_response_id=first.id)
    _, *prompt = model.prompts[2]
    assert [message["content"] for message in prompt] == ["I am Ada.", "Nice to meet you.", "And now?"]
    sdk.responses.delete(branch.id)
    assert ChatSession.objects.filter(app=app).count() == 1
    sdk.responses.delete(first.id)
    assert sdk.responses.retrieve(second.id).output_text == "Ada."
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(first.id)
    sdk.responses.delete(second.id)
    assert not ChatSession.objects.filter(app=app).exists()


@pytest.mark.shows("openai-python-responses", "stream")
def test_it_streams(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "6*7"}), text="Let me see."), says("It", " is 42."))
    response = ask(sdk, app, "6*7?", stream=True)
    assert texts(response.output) == ["Let me see.", "It is 42."]
    assert response.status == "completed"
    whole = sdk.responses.retrieve(response.id)
    assert [item.to_dict() for item in whole.output] == [item.to_dict() for item in response.output]
    with sdk.responses.stream(model=app.slug, input="Hi") as stream:
        assert stream.get_final_response().output_text == "Hello."
    assert checked(sdk.responses.retrieve(response.id, stream=True)).output_text == response.output_text


def numbered(events: Iterable[ResponseStreamEvent]) -> list[tuple[int, str]]:
    """Return what identifies events: their numbers and content, without the time at which a response ended."""
    return [
        (event.sequence_number, re.sub(r'"completed_at":(null|\d+)', "", event.model_dump_json())) for event in events
    ]


def test_a_broken_stream_is_resumed(new_client: Callable[[], openai.OpenAI], app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    goes_on = threading.Event()
    text = [chunk({"content": piece}) for piece in ("Rain", " in", " Os")]
    model.will(
        calls(("calculate", {"expression": "6*7"}), text="Let me see."),
        Reply([*text, goes_on, chunk({"content": "lo"}), chunk({"content": "."}), chunk({}, "stop"), DONE]),
    )
    begun: list[Any] = []
    for event in new_client().responses.create(model=app.slug, input="Weather?", stream=True, background=True):
        begun.append(event)
        if getattr(event, "delta", "") == " Os":
            break
    response_id, last = begun[0].response.id, begun[-1].sequence_number
    goes_on.set()
    rest: list[Any] = list(new_client().responses.retrieve(response_id, stream=True, starting_after=last))
    assert rest[-1].response.output_text == "Let me see.Rain in Oslo."
    # The turn has ended: on each worker, a stream has the same events again, from the first or from any other one.
    whole = numbered(begun) + numbered(rest)
    assert [number for number, _ in whole] == list(range(len(whole)))
    for after in (None, 0, last - 2, len(whole) - 2, len(whole) - 1):
        more: Any = {} if after is None else {"starting_after": after}
        again = numbered(new_client().responses.retrieve(response_id, stream=True, **more))
        assert again == whole[0 if after is None else after + 1 :]
    # A number that does not exist leads to the end.
    end: Any
    (end,) = new_client().responses.retrieve(response_id, stream=True, starting_after=999)
    assert (end.type, end.sequence_number) == ("response.completed", 1000)
    for bad in ({"starting_after": 1}, {"stream": "true", "starting_after": "x"}):
        with pytest.raises(openai.BadRequestError) as refused:
            new_client().get(f"/responses/{response_id}", cast_to=object, options={"params": bad})
        assert refused.value.param == "starting_after"


def test_a_session_outlives_its_responses_if_it_has_more(
    sdk: openai.OpenAI, app_client: Client, app: App, model: ScriptedModel
) -> None:
    headers = {"X-Session-Id": app_client.session_id}
    named = ask(sdk, app, "Hi", extra_headers=headers)
    sdk.responses.delete(named.id)
    made = ask(sdk, app, "Hi")
    app_client.session_id = session_of(made)
    app_client.chat("And?")
    assert len(sdk.responses.retrieve(made.id).output) == 1
    sdk.responses.delete(made.id)
    assert [session.messages.count() for session in ChatSession.objects.filter(app=app)] in ([2, 4], [4, 2])


@pytest.mark.shows("openai-python-responses", "client_tool", "app_tool")
@pytest.mark.parametrize("stream", [False, True])
def test_tools_of_the_client(sdk: openai.OpenAI, app: App, model: ScriptedModel, *, stream: bool) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    first = calls(("get_weather", {"city": "Oslo"}), ("calculate", {"expression": "6*7"}), text="I look.")
    model.will(first, says("Rain in Oslo,", " and 42."))
    asked = ask(sdk, app, "Weather in Oslo, and 6*7?", tools=[WEATHER], stream=stream)
    text, call = asked.output
    assert (asked.status, asked.output_text, text.type) == ("completed", "I look.", "message")
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Oslo"})
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}]
    answer = ask(sdk, app, outputs, previous_response_id=asked.id, tools=[WEATHER], stream=stream)
    assert (answer.output_text, answer.status) == ("Rain in Oslo, and 42.", "completed")
    assert answer.id != asked.id
    # The same outputs again: the answer is the same, and nothing runs twice.
    assert ask(sdk, app, outputs, previous_response_id=asked.id).id == answer.id
    assert len(model.requests) == 2
    for response in (asked, answer):
        assert items(sdk.responses.retrieve(response.id)) == items(response)
    (stored,) = sdk.responses.input_items.list(answer.id)
    assert stored.to_dict() | {"id": ""} == {**outputs[0], "id": "", "status": "completed"}
    with pytest.raises(openai.APIStatusError) as late:
        ask(sdk, app, [{**outputs[0], "call_id": f"call_{'A' * 43}"}])
    assert (late.value.status_code, late.value.code) == (410, "not_waiting")


def messages(output: Iterable[Any]) -> list[Any]:
    return [item for item in output if item.type == "message"]


def texts(output: Iterable[Any]) -> list[str]:
    return [item.content[0].text for item in messages(output)]


def session_of(response: Response) -> str:
    return str(Turn.objects.get(pk=uuid.UUID(response.id.removeprefix("resp_"))).session_id)


def items(response: Response) -> list[dict[str, Any]]:
    return [item.to_dict() for item in response.output]


def test_all_calls_of_a_turn_are_answered_at_once(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    model.will(calls(("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})), says("Rain in both."))
    asked = ask(sdk, app, "Weather?", tools=[WEATHER], store=False)
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain."} for call in asked.output]  # type: ignore[union-attr]
    with pytest.raises(openai.BadRequestError, match="no answer for these calls: get_weather"):
        ask(sdk, app, outputs[:1])
    # Without a stored response, a client sends everything again.
    everything = [{"role": "user", "content": "Weather?"}, *items(asked), *outputs]
    assert ask(sdk, app, everything, tools=[WEATHER], store=False).output_text == "Rain in both."
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(asked.id)
    assert ChatSession.objects.get(app=app).is_stateless


@pytest.mark.shows("openai-python-responses", "confirmation")
@pytest.mark.parametrize("approve", [True, False])
def test_a_confirmation_is_a_request_for_approval(
    sdk: openai.OpenAI, app: App, model: ScriptedModel, *, approve: bool
) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calls(("calculate", {"expression": "6*7"})), says("So be it."))
    asked = ask(sdk, app, "6*7?", stream=approve)
    (request,) = asked.output
    assert request.type == "mcp_approval_request"
    assert (request.name, request.server_label) == ("calculate", app.slug)
    approval = [{"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve}]
    answer = ask(sdk, app, approval, previous_response_id=asked.id, stream=approve)
    assert answer.output_text == "So be it."
    # Not the whole prompt: its random ids and marks may contain 42.
    (result,) = tool_results(model.prompts[1])
    assert ("42" in result, "declined" in result) == (approve, not approve)
    assert items(sdk.responses.retrieve(asked.id)) == items(asked)


@pytest.mark.shows("openai-python-responses", "interrupt")
def test_a_turn_in_the_background_is_polled_and_cancelled(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    goes_on = threading.Event()
    model.will(Reply([chunk({"content": "Half"}), goes_on, chunk({"content": " and half."}), chunk({}, "stop"), DONE]))
    begun = ask(sdk, app, "Slowly.", background=True)
    assert (begun.status, begun.background, begun.output) == ("queued", True, [])
    wait_for_text(sdk, begun, "Half")
    assert sdk.responses.retrieve(begun.id).status == "in_progress"
    events: list[Any] = []
    for event in sdk.responses.retrieve(begun.id, stream=True):
        events.append(event)
        if event.type == "response.output_text.delta":
            goes_on.set()
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Half and half."
    assert events[-1].response.output_text == "Half and half."
    assert sdk.responses.retrieve(begun.id).status == "completed"

    model.will(Reply([chunk({"content": "Half"})], then="hang"))
    begun = ask(sdk, app, "Slowly.", background=True)
    with pytest.raises(openai.ConflictError) as busy:
        ask(sdk, app, "And?", previous_response_id=begun.id)
    assert busy.value.response.headers["Retry-After"] == "1"
    wait_for_text(sdk, begun, "Half")
    cancelled = sdk.responses.cancel(begun.id)
    assert (cancelled.status, cancelled.output_text) == ("cancelled", "Half")
    assert sdk.responses.cancel(begun.id).status == "cancelled"
    wait_until(lambda: model.server.disconnects[model.model_id] == 1)


@pytest.fixture
def new_client(serve: Callable[..., Server], key: str) -> Iterator[Callable[[], openai.OpenAI]]:
    """Makes clients of a server with two workers; each connection may reach either worker."""
    url = serve(workers=2, MODEL_GAP_TIMEOUT_SECONDS="60", TURN_TIMEOUT_SECONDS="60").url
    with ExitStack() as opened:

        def client() -> openai.OpenAI:
            return opened.enter_context(openai_client(url, key))

        yield client


def test_any_worker_answers(new_client: Callable[[], openai.OpenAI], app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    for _ in range(4):
        model.will(calls(("get_weather", {"city": "Oslo"})), says("Rain in Oslo."))
        asked = ask(new_client(), app, "Weather?", tools=[WEATHER])
        (call,) = items(asked)
        outputs = [{"type": "function_call_output", "call_id": call["call_id"], "output": "Rain."}]
        answer = ask(new_client(), app, outputs, previous_response_id=asked.id, stream=True)
        assert answer.output_text == "Rain in Oslo."
        assert [items(new_client().responses.retrieve(each.id)) for each in (asked, answer)] == [
            items(asked),
            items(answer),
        ]
        model.will(Reply([chunk({"content": "Half"})], then="hang"))
        begun = ask(new_client(), app, "Slowly.", background=True, previous_response_id=answer.id)
        wait_for_text(new_client(), begun, "Half")
        followed = new_client().responses.retrieve(begun.id, stream=True)
        assert next(followed).type == "response.created"
        assert new_client().responses.cancel(begun.id).status == "cancelled"
        last: Any = list(followed)[-1]
        assert (last.type, last.response.output_text) == ("response.incomplete", "Half")
        assert checked(new_client().responses.retrieve(begun.id, stream=True)).status == "cancelled"


def wait_for_text(sdk: openai.OpenAI, response: Response, text: str) -> None:
    wait_until(lambda: sdk.responses.retrieve(response.id).output_text == text)


def test_a_stream_ends_when_its_response_is_cancelled(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    model.will(Reply([chunk({"content": "Half"})], then="hang"))
    events: list[Any] = []
    for event in sdk.responses.create(model=app.slug, input="Slowly.", stream=True):
        events.append(event)
        if event.type == "response.output_text.delta":
            sdk.responses.cancel(events[0].response.id)
    assert events[-1].type == "response.incomplete"
    assert (events[-1].response.status, events[-1].response.output_text) == ("cancelled", "Half")


def test_a_response_that_is_not_stored_is_gone(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    model.will(says("Ada."), says("Bob."))
    history = [user("I am Ada."), {"role": "assistant", "content": "Hello Ada."}, user("Who am I?")]
    response = ask(sdk, app, history, store=False)
    assert (response.output_text, response.store) == ("Ada.", False)  # type: ignore[attr-defined]
    _, *prompt = model.prompts[0]
    assert [message["content"] for message in prompt] == ["I am Ada.", "Hello Ada.", "Who am I?"]
    assert ChatSession.objects.get(app=app).is_stateless
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError) as gone:
        ask(sdk, app, "And now?", previous_response_id=response.id)
    assert (gone.value.code, gone.value.param) == ("previous_response_not_found", "previous_response_id")
    # A stored response with a history begins a session that also contains the history.
    stored = ask(sdk, app, history)
    ask(sdk, app, "And now?", previous_response_id=stored.id)
    _, *prompt = model.prompts[2]
    assert [message["content"] for message in prompt[:2]] == ["I am Ada.", "Hello Ada."]
    session = ChatSession.objects.get(app=app, is_stateless=False)
    assert session.messages.count() == 6
    # A response after a stored one need not be stored itself.
    ask(sdk, app, "Quietly?", previous_response_id=stored.id, store=False)
    assert session.messages.count() == 6


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_a_conversation_is_a_session(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    conversation = sdk.conversations.create(metadata={"case": "7"}, items=[user("I am Ada.")])  # type: ignore[list-item]
    assert sdk.conversations.retrieve(conversation.id).metadata == {"case": "7"}
    assert sdk.conversations.update(conversation.id, metadata={"case": "8"}).metadata == {"case": "8"}
    call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
    added = sdk.conversations.items.create(
        conversation.id,
        items=[call, {"type": "function_call_output", "call_id": "c1", "output": "Seen."}],  # type: ignore[list-item]
    )
    assert [item.type for item in added.data] == ["function_call", "function_call_output"]
    model.will(says("Ada."))
    response = ask(sdk, app, "Who am I?", conversation=conversation.id)
    assert response.conversation is not None
    assert (response.output_text, response.conversation.id) == ("Ada.", conversation.id)
    assert "Seen." in json.dumps(model.prompts[0])
    listed = list(sdk.conversations.items.list(conversation.id, order="asc", limit=2))
    assert texts(listed) == ["I am Ada.", "Who am I?", "Ada."]
    assert sdk.conversations.items.retrieve(str(listed[-1].id), conversation_id=conversation.id).id == listed[-1].id
    assert sdk.responses.retrieve(response.id).conversation == response.conversation
    sdk.responses.delete(response.id)  # the conversation keeps what was said
    assert len(list(sdk.conversations.items.list(conversation.id))) == 5
    assert sdk.conversations.delete(conversation.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.conversations.retrieve(conversation.id)
    assert not ChatSession.objects.filter(app=app).exists()


def test_items_can_be_named_by_their_ids(
    sdk: openai.OpenAI, server: Server, app: App, other_app: App, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    model.will(calls(("get_weather", {"city": "Oslo"})), says("Rain."), says("Yes."), says("No."), says("Bye."))
    asked = ask(sdk, app, "Weather?", tools=[WEATHER])
    (call,) = items(asked)
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "It rains."}
    named = [user("Weather?"), {"type": "item_reference", "id": call["id"]}, output]
    answer = ask(sdk, app, named, tools=[WEATHER])  # like clients that send the conversation with each request
    named += [{"type": "item_reference", "id": answer.output[0].id}]
    sure = ask(sdk, app, [*named, user("Sure?")])
    _, *prompt = model.prompts[2]
    assert [message["role"] for message in prompt] == ["user", "assistant", "tool", "assistant", "user"]
    assert (prompt[1]["tool_calls"][0]["function"]["name"], prompt[3]["content"]) == ("get_weather", "Rain.")
    # What the conversation already contains is not added twice.
    ask(sdk, app, [{"id": sure.output[0].id}, user("Really?")], previous_response_id=sure.id)
    assert [message["content"] for message in model.prompts[3][-3:]] == ["Sure?", "Yes.", "Really?"]
    other = openai.OpenAI(base_url=f"{server.url}/v1", api_key=factories.make_key(other_app).plain, max_retries=0)
    with other:
        for client, slug, item_id in (
            (other, other_app, sure.output[0].id),
            (sdk, app, "msg_1"),
            (sdk, app, call["id"]),
        ):
            with pytest.raises(openai.NotFoundError) as refused:
                ask(client, slug, [{"type": "item_reference", "id": item_id}, user("Hi")])
            assert refused.value.param == "input[0].id"


def items_of(sdk: openai.OpenAI, conversation: str) -> list[Any]:
    """Return the items of a conversation, the oldest first."""
    return list(sdk.conversations.items.list(conversation, order="asc"))


def test_single_items_are_deleted_from_the_history(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    model.will(says("Noted."), calls(("get_weather", {"city": "Oslo"})), says("Rain."), says("I do not know."))
    conversation = sdk.conversations.create().id
    delete = partial(sdk.conversations.items.delete, conversation_id=conversation)
    noted = ask(sdk, app, "My number is 7531.", conversation=conversation)
    asked = ask(sdk, app, "Weather?", conversation=conversation, tools=[WEATHER])
    with pytest.raises(openai.ConflictError):  # the turn waits
        delete(items_of(sdk, conversation)[0].id)
    waiting: Any = asked.output[0]
    output = {"type": "function_call_output", "call_id": waiting.call_id, "output": "Rain."}
    ask(sdk, app, [output], previous_response_id=asked.id)
    number, _, _, call, *_ = items_of(sdk, conversation)
    assert delete(number.id).id == conversation
    delete(call.id)
    kinds = [(item.type, getattr(item, "role", None)) for item in items_of(sdk, conversation)]
    assert kinds == [("message", role) for role in ("assistant", "user", "assistant")]
    for gone in (number.id, call.id, "msg_1"):
        with pytest.raises(openai.NotFoundError):
            delete(gone)
    ask(sdk, app, "Which number?", conversation=conversation)
    assert not re.search("7531|get_weather", json.dumps(model.prompts[-1]))
    assert Turn.objects.filter(app=app).count() == 3
    assert sdk.responses.retrieve(noted.id).output_text == "Noted."
    # In the session, a message that follows a gap is the last one, and can be taken back.
    last = items_of(sdk, conversation)[-1]
    delete(last.id)
    assert items_of(sdk, conversation)[-1].content[0].text == "Which number?"


def test_a_failed_turn_whose_message_is_deleted_does_not_run_again(
    sdk: openai.OpenAI, app: App, model: ScriptedModel
) -> None:
    model.will(refuses(400), says("Now it works."))
    conversation = sdk.conversations.create().id
    once: Any = {"conversation": conversation, "extra_headers": {"Idempotency-Key": "once"}}
    with pytest.raises(openai.InternalServerError):
        ask(sdk, app, "A question.", **once)
    (item,) = items_of(sdk, conversation)
    sdk.conversations.items.delete(item.id, conversation_id=conversation)
    assert ask(sdk, app, "A question.", **once).output_text == "Now it works."
    assert [item.role for item in items_of(sdk, conversation)] == ["user", "assistant"]


def test_a_request_to_the_wallet_is_not_deleted(sdk: openai.OpenAI, app: App) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "wallet_tx_request", "arguments": "{}"}
    given: Any = [user("Pay."), call, {"type": "function_call_output", "call_id": "c1", "output": "sent"}]
    conversation = sdk.conversations.create(items=given).id
    with pytest.raises(openai.BadRequestError, match="must not be used again") as kept:
        sdk.conversations.items.delete(items_of(sdk, conversation)[1].id, conversation_id=conversation)
    assert kept.value.param == "item_id"


def test_other_callers_find_nothing(
    sdk: openai.OpenAI, stranger: openai.OpenAI, app: App, other_app: App, model: ScriptedModel
) -> None:
    response = ask(sdk, app, "A secret.")
    conversation = sdk.conversations.create(metadata={"a": "secret"})
    other = sdk.with_options(api_key=factories.make_key(other_app).plain)
    assert statuses(other, response.id, conversation.id) == [404] * 9
    assert statuses(stranger, response.id, conversation.id) == [401] * 9
    for nonsense in ("resp_1", f"resp_{uuid.uuid4().hex}", "x"):
        with pytest.raises(openai.NotFoundError):
            sdk.responses.retrieve(nonsense)
        with pytest.raises(openai.NotFoundError):
            sdk.conversations.retrieve(nonsense)


def test_a_browser_token_opens_what_it_opens(
    server: Server, sdk: openai.OpenAI, key: str, app: App, model: ScriptedModel
) -> None:
    theirs = ask(sdk, app, "A secret.")
    session_id = str(uuid.uuid4())
    page = sdk.with_options(api_key=new_token(server, key, app=app.slug, session_id=session_id))
    assert statuses(page, theirs.id, f"conv_{uuid.UUID(session_of(theirs)).hex}") == [404] * 9
    with pytest.raises(openai.PermissionDeniedError) as refused:
        ask(page, app, "Hi")
    assert refused.value.code == "session_not_available"
    conversation = page.conversations.create()
    assert conversation.id == f"conv_{uuid.UUID(session_id).hex}"
    own = ask(page, app, "Hi", conversation=conversation.id)
    assert page.responses.retrieve(own.id).output_text == "Hello."
    assert ask(page, app, "Hi", previous_response_id=own.id).output_text == "Hello."


def statuses(other: openai.OpenAI, response: str, conversation: str) -> list[int]:
    """Return how another caller's attempts are refused."""
    create = partial(other.responses.create, model="default", input="Hi")
    attempts: list[Callable[[], object]] = [
        lambda: other.responses.retrieve(response),
        lambda: other.responses.delete(response),
        lambda: other.responses.cancel(response),
        lambda: list(other.responses.input_items.list(response)),
        lambda: other.conversations.retrieve(conversation),
        lambda: other.conversations.delete(conversation),
        lambda: list(other.conversations.items.list(conversation)),
        lambda: create(previous_response_id=response),
        lambda: create(conversation=conversation),
    ]
    refused = []
    for attempt in attempts:
        with pytest.raises(openai.APIStatusError) as error:
            attempt()
        refused.append(error.value.status_code)
    return refused


def test_parameters_count_as_the_app_says(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(preamble="Be brief.")
    form: Any = {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}}
    more: dict[str, Any] = {"instructions": "Speak like a pirate.", "temperature": 1.5, "max_output_tokens": 7}
    ask(sdk, app, "Hi", **more)
    with pytest.raises(openai.BadRequestError) as refused:
        ask(sdk, app, "Hi", text=form)
    assert refused.value.param == "text.format"
    App.objects.filter(pk=app.pk).update(callers_may_instruct=True, callers_may_sample=True)
    model.will(says('{"a":', finish_reason="length"))
    cut = ask(sdk, app, "Hi", text=form, stream=True, **more)
    assert cut.incomplete_details is not None
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    ignored, taken = model.requests
    assert "pirate" not in json.dumps(ignored["messages"])
    assert taken["messages"][0]["content"].index("Be brief.") < taken["messages"][0]["content"].index("pirate")
    assert (taken["temperature"], taken["max_tokens"]) == (1.5, 7)
    schema = {"name": "x", "schema": {"type": "object"}, "strict": True}
    assert taken["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert cut.text is not None
    assert cut.text.to_dict() == form


def test_citations_are_annotations(
    sdk: openai.OpenAI, app: App, model: ScriptedModel, manage: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "rivers.txt").write_text("The Danube rises in the Black Forest.")
    manage("ingest", app.slug, str(tmp_path / "rivers.txt"), "--wait", "--json")
    chunk_id = DocumentChunk.objects.get(app=app).pk
    model.will(calls(("search_documents", {"query": "Danube"})), says("In the Black Forest", f" [{chunk_id}]."))
    response = ask(sdk, app, "Where does the Danube rise?", stream=True)
    (annotation,) = [entry for item in messages(response.output) for entry in item.content[0].annotations]
    assert annotation.to_dict() == {
        "type": "file_citation",
        "file_id": "rivers.txt",
        "filename": "rivers.txt",
        "index": response.output_text.index(f"[{chunk_id}]"),
        "marker": chunk_id,
        "place": "line 1",
    }


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": []}, "input"),
        ({"input": [{"role": "assistant", "content": "Hi"}]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "file_search_call", "id": "fs_1"}, user("Hi")]}, "input[0].type"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "x"}]}, "input[0].call_id"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
        ({"background": True, "store": False}, "background"),
        ({"conversation": "conv_1", "previous_response_id": "resp_1"}, "conversation"),
        ({"metadata": {"key": "x" * 513}}, "metadata"),
        ({"temperature": 9}, "temperature"),
    ],
)
def test_what_is_not_supported_is_named(sdk: openai.OpenAI, app: App, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(**{"model": app.slug, "input": "Hi", **more})
    assert (refused.value.type, refused.value.param) == ("invalid_request_error", param)


NUL = "a\0b"
HUGE = 10**30


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("responses", {"input": [{"type": {}, "content": "x"}]}),
        ("responses", {"input": [{"role": {}, "content": "x"}]}),
        ("responses", {"input": [{"role": "user", "content": [{"type": [], "text": "x"}]}]}),
        ("responses", {"input": [{"type": "function_call", "call_id": [], "name": {}, "arguments": 1}, user("x")]}),
        ("responses", {"input": [{"type": "mcp_approval_response", "approval_request_id": {}, "approve": 1}]}),
        ("responses", {"input": NUL}),
        ("responses", {"instructions": NUL}),
        ("responses", {"metadata": {"a": NUL}}),
        ("responses", {"metadata": {"a": 1}}),
        ("responses", {"text": {"format": {"type": "json_schema", "name": NUL}}}),
        ("responses", {"text": {"format": {"type": "xml"}}}),
        ("responses", {"tools": [{"type": "function", "name": "x", "parameters": {"maximum": HUGE}}]}),
        ("responses", {"tools": [{"type": "function"}]}),
        ("responses", {"conversation": {"id": 5}}),
        ("responses", {"max_output_tokens": HUGE}),
        ("conversations", {"items": [{"role": "system", "content": "Obey."}]}),
        ("conversations", {"items": [{"role": "user", "content": NUL}]}),
        ("conversations", {"items": ["x"]}),
        ("conversations", {"metadata": {"a" * 65: "x"}}),
        ("chat/completions", {"response_format": {"type": "json_object", "x": NUL}}),
        ("chat/completions", {"messages": [{"role": {}, "content": "x"}]}),
        ("chat/completions", {"messages": [{"role": "user", "content": [{"type": {}, "text": "x"}]}]}),
    ],
)
def test_a_malformed_body_is_refused(sdk: openai.OpenAI, app: App, path: str, body: dict[str, Any]) -> None:
    App.objects.filter(pk=app.pk).update(
        callers_may_sample=True, callers_may_instruct=True, callers_may_bring_tools=True
    )
    whole = {"model": app.slug, "input": "Hi", "messages": [user("Hi")], **body}
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.post(f"/{path}", body=whole, cast_to=object)
    assert refused.value.type == "invalid_request_error"
    assert not ChatSession.objects.filter(app=app).exists()


def test_only_what_is_new_is_sent_to_a_conversation(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    first = ask(sdk, app, "Hi")
    answered = [user("Hi"), {"role": "assistant", "content": "Hello."}, user("Who am I?")]
    with pytest.raises(openai.BadRequestError, match="send only new messages"):
        ask(sdk, app, answered, previous_response_id=first.id)
    ask(sdk, app, [user("I am Ada."), user("Who am I?")], previous_response_id=first.id)
    assert model.prompts[1][-1]["content"] == "I am Ada.\n\nWho am I?"


@pytest.mark.shows("openai-python-responses", "wrong_key", "busy", "rate_limit")
def test_errors_have_the_form_of_openai(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    with pytest.raises(openai.AuthenticationError) as wrong:
        ask(sdk.with_options(api_key="sk-wrong"), app, "Hi")
    assert wrong.value.code == "invalid_api_key"
    with pytest.raises(openai.ConflictError):
        ask(sdk, app, "Hi", conversation=busy_session(app))
    model.will(refuses(400))
    with pytest.raises(openai.InternalServerError) as failed:
        ask(sdk, app, "Hi")
    assert (failed.value.status_code, failed.value.code) == (502, "model_error")
    model.will(refuses(400))
    last: Any = list(sdk.responses.create(model=app.slug, input="Hi", stream=True))[-1]
    assert (last.type, last.response.status, last.response.error.code) == ("response.failed", "failed", "server_error")
    assert sdk.responses.retrieve(last.response.id).error == last.response.error
    key = factories.make_key(app)
    limit(key_subject(key.app_key.pk), requests_per_minute=1)
    limited = sdk.with_options(api_key=key.plain)
    history = [user("I am Ada."), {"role": "assistant", "content": "Hello Ada."}, user("Who am I?")]
    ask(limited, app, history)
    sessions = ChatSession.objects.filter(app=app).count()
    with pytest.raises(openai.RateLimitError) as refused:
        ask(limited, app, history)
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["Retry-After"]) > 0
    assert Turn.objects.filter(app_key_id=key.app_key.pk).count() == 1
    assert ChatSession.objects.filter(app=app).count() == sessions


def test_a_repeated_idempotency_key_finds_the_response(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    history = [user("I am Ada."), {"role": "assistant", "content": "Hello Ada."}, user("Who am I?")]
    first, again = (ask(sdk, app, history, extra_headers=headers) for _ in range(2))
    assert first.to_dict() | {"completed_at": 0} == again.to_dict() | {"completed_at": 0}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    next_one, again = (ask(sdk, app, "And?", previous_response_id=first.id, extra_headers=headers) for _ in range(2))
    assert next_one.id == again.id
    assert len(model.requests) == 2
