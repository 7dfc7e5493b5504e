"""The openai package for Python against /v1."""

import json
import uuid
from typing import Any

import openai
import pytest

from apps_registry.models import App, Model
from keys.limits.values import key_subject
from sessions_app.models import ChatSession, Message, SentRequest, Turn
from tests import factories
from tests.accounts import limit
from tests.api.token_calls import new_token
from tests.client import Client
from tests.clients.meetings import busy_session
from tests.model_server import Reply, ScriptedModel, calls, chunk, refuses, says
from tests.product import Server
from tests.waiting import wait_until

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def user(text: str) -> Any:
    return {"role": "user", "content": text}


@pytest.mark.shows("openai-python", "list")
def test_it_lists_the_apps_of_the_key_as_models(sdk: openai.OpenAI, app: App, other_app: App) -> None:
    ids = [model.id for model in sdk.models.list()]
    assert ids == ["default", app.slug]
    model = sdk.models.retrieve(app.slug)
    assert (model.id, model.object, model.owned_by) == (app.slug, "model", "aomi")
    assert model.created == int(app.created_at.timestamp())
    with pytest.raises(openai.NotFoundError) as refused:
        sdk.models.retrieve(other_app.slug)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


@pytest.mark.shows("openai-python", "turn")
def test_a_stateless_call_brings_its_own_history(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    model.will(says("Ada.", prompt_tokens=30))
    history = [user("I am Ada."), {"role": "assistant", "content": "Hello Ada."}]
    completion = sdk.chat.completions.create(model=app.slug, messages=[*history, user("Who am I?")])
    choice = completion.choices[0]
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Ada.", "stop")
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.total_tokens) == (30, 31)
    _, *conversation = model.prompts[0]
    assert [message["content"] for message in conversation] == ["I am Ada.", "Hello Ada.", "Who am I?"]
    session = ChatSession.objects.get(turns__id=uuid.UUID(completion.id.removeprefix("chatcmpl-")))
    assert session.is_stateless
    # The history is not stored with each call.
    assert list(session.messages.values_list("content", flat=True)) == ["Who am I?", "Ada."]


def test_text_of_stateless_calls_is_kept_only_if_the_app_says_so(
    sdk: openai.OpenAI, app: App, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(keeps_stateless_text=False, keeps_requests_days=1)
    model.will(says("A secret answer."))
    completion = sdk.chat.completions.create(model=app.slug, messages=[user("A secret question.")])
    assert completion.choices[0].message.content == "A secret answer."
    turn = Turn.objects.get(pk=uuid.UUID(completion.id.removeprefix("chatcmpl-")))
    assert (turn.status, turn.prompt_tokens, turn.options, turn.partial_text) == ("completed", 10, None, "")
    assert turn.session.title == ""
    App.objects.filter(pk=app.pk).update(keeps_stateless_text=True)
    later = sdk.chat.completions.create(model=app.slug, messages=[user("Another question.")])
    stored = SentRequest.objects.filter(turn__app=app)
    wait_until(stored.exists)  # requests are stored in the order of their turns
    assert {one.turn_id.hex for one in stored} == {later.id.removeprefix("chatcmpl-")}
    assert not Message.objects.filter(session=turn.session).exists()


def test_a_named_session_has_its_own_history(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    session_id = str(uuid.uuid4())
    model.will(says("Nice to meet you."), says("Ada."))
    for text in ("I am Ada.", "Who am I?"):
        # The client's own copy of the history is not read.
        sdk.chat.completions.create(
            model=app.slug, messages=[user("Not this."), user(text)], extra_headers={"X-Session-Id": session_id}
        )
    _, *conversation = model.prompts[1]
    assert [message["content"] for message in conversation] == ["I am Ada.", "Nice to meet you.", "Who am I?"]
    raw = sdk.chat.completions.with_raw_response.create(
        model=app.slug, messages=[user("Hi")], metadata={"session_id": session_id}
    )
    assert raw.headers["X-Session-Id"] == session_id
    assert ChatSession.objects.get(pk=session_id).messages.count() == 6


def ask_openwebui(
    sdk: openai.OpenAI, app: App, messages: list[Any], *, stream: bool = True, **more: Any
) -> tuple[str, list[Any]]:
    """Return the session and the chunks of an answer to a request as Open WebUI sends it in one of its chats."""
    headers = {"X-OpenWebUI-Chat-Id": "7d1c"}
    raw = sdk.chat.completions.with_raw_response.create(
        model=app.slug, messages=messages, stream=stream, extra_headers=headers, **more
    )
    return raw.headers["X-Session-Id"], list(raw.parse()) if stream else []


def test_a_chat_of_openwebui_is_a_session_without_that_programs_tasks(
    sdk: openai.OpenAI, app: App, model: ScriptedModel
) -> None:
    """Its prompts for titles carry the chat's id, but are not streamed; the prompt that merges replies may be."""
    messages: list[Any] = [user("I am Ada.")]
    assert len({ask_openwebui(sdk, app, messages)[0] for _ in range(2)}) == 2  # the App has not switched it on
    App.objects.filter(pk=app.pk).update(continues_chats_of_openwebui=True)
    session, _ = ask_openwebui(sdk, app, messages)
    tasks = {ask_openwebui(sdk, app, [user("### Task: a title")], stream=False)[0]}
    messages += [{"role": "assistant", "content": "Hello."}, user("Who am I?")]
    assert ask_openwebui(sdk, app, messages)[0] == session
    tasks |= {ask_openwebui(sdk, app, [user("Merge these replies.")])[0]}
    tasks |= {ask_openwebui(sdk, app, messages, stream=False)[0]}
    assert len(tasks | {session}) == 4
    texts = Message.objects.filter(session_id=uuid.UUID(session)).order_by("position").values_list("content", flat=True)
    assert list(texts) == ["I am Ada.", "Hello.", "Who am I?", "Hello."]


def test_a_chat_of_openwebui_has_tools_of_that_program(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True, continues_chats_of_openwebui=True)
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calls(("get_weather", {"city": "Oslo"})), calls(("calculate", {"expression": "6*7"})))
    messages: list[Any] = [user("Weather, and 6*7?")]
    session, chunks = ask_openwebui(sdk, app, messages, tools=[WEATHER])
    (call,) = [call for each in chunks for call in each.choices[0].delta.tool_calls or []]
    called = {"role": "assistant", "tool_calls": [call.model_dump(exclude={"index"})]}
    messages += [called, {"role": "tool", "tool_call_id": call.id, "content": "Rain."}]
    answered, chunks = ask_openwebui(sdk, app, messages, tools=[WEATHER])
    assert answered == session
    assert "Answer “yes” to allow it" in "".join(each.choices[0].delta.content or "" for each in chunks)


@pytest.mark.shows("openai-python", "stream")
def test_it_streams(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    model.will(says("In", " pieces."))
    chunks = list(
        sdk.chat.completions.create(
            model=app.slug, messages=[user("Stream it")], stream=True, stream_options={"include_usage": True}
        )
    )
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "In pieces."
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (10, 2)


@pytest.mark.shows("openai-python", "app_tool")
@pytest.mark.parametrize("stream", [False, True])
def test_tools_of_the_app_run_on_the_server(
    sdk: openai.OpenAI, app: App, model: ScriptedModel, *, stream: bool
) -> None:
    model.will(calls(("calculate", {"expression": "6*7"}), text="Let me see."), says("It is 42."))
    assert reply_of(sdk, app, [user("6*7?")], stream=stream) == ("Let me see.\n\nIt is 42.", [], "stop")


def reply_of(
    sdk: openai.OpenAI, app: App, messages: list[Any], *, stream: bool, **more: Any
) -> tuple[str, list[Any], str]:
    """Return the text, the calls and the reason of an answer, whole or streamed."""
    if not stream:
        choice = sdk.chat.completions.create(model=app.slug, messages=messages, **more).choices[0]
        tool_calls = [call.model_dump() for call in choice.message.tool_calls or []]
        return choice.message.content or "", tool_calls, choice.finish_reason
    text, tool_calls, reason = "", [], ""
    for piece in sdk.chat.completions.create(model=app.slug, messages=messages, stream=True, **more):
        choice = piece.choices[0]
        text += choice.delta.content or ""
        tool_calls += [call.model_dump(exclude={"index"}) for call in choice.delta.tool_calls or []]
        reason = choice.finish_reason or reason
    return text, tool_calls, reason


@pytest.mark.shows("openai-python", "client_tool")
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_tools_of_the_client(sdk: openai.OpenAI, app: App, model: ScriptedModel, *, stream: bool, named: bool) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    headers = {"extra_headers": {"X-Session-Id": str(uuid.uuid4())}} if named else {}
    more: dict[str, Any] = {"tools": [WEATHER], **headers}
    first = calls(("calculate", {"expression": "6*7"}), ("get_weather", {"city": "Oslo"}), text="I look.")
    model.will(first, says("Rain in Oslo, and 42."))
    messages = [user("Weather in Oslo, and 6*7?")]
    text, tool_calls, reason = reply_of(sdk, app, messages, stream=stream, **more)
    assert (text, reason) == ("I look.", "tool_calls")
    (call,) = tool_calls
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "Oslo"})
    messages += [
        {"role": "assistant", "content": text, "tool_calls": tool_calls},
        {"role": "tool", "tool_call_id": call["id"], "content": "Rain."},
    ]
    assert reply_of(sdk, app, messages, stream=stream, **more) == ("Rain in Oslo, and 42.", [], "stop")
    offered = {tool["function"]["name"] for tool in model.requests[0]["tools"]}
    assert {"get_weather", "calculate"} <= offered
    # The App's own call, which the client never saw, is still in the prompt of the second round.
    results = [message["content"] for message in model.prompts[1] if message["role"] == "tool"]
    assert [result.splitlines()[1] for result in results] == ['{"result":"42","exact":true}', "Rain."]
    # The same outputs again: the answer is the same, and nothing runs twice.
    assert reply_of(sdk, app, messages, stream=stream, **more)[0] == "Rain in Oslo, and 42."
    assert len(model.requests) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_each_answer_has_its_own_id_and_tokens(
    sdk: openai.OpenAI, app: App, model: ScriptedModel, *, stream: bool
) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    model.will(
        calls(("get_weather", {"city": "Oslo"}), prompt_tokens=100),
        calls(("get_weather", {"city": "Rome"}), prompt_tokens=200),
        says("Rain ", "in both.", prompt_tokens=300),
    )
    messages, seen = [user("Weather in Oslo and Rome?")], []
    for _ in range(2):
        answer_id, tokens, message = counted(sdk, app, messages, stream=stream, tools=[WEATHER])
        seen.append((answer_id, tokens))
        messages += [message, {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "Rain."}]
    last = counted(sdk, app, messages, stream=stream, tools=[WEATHER])
    seen.append(last[:2])
    assert [tokens for _, tokens in seen] == [(100, 1), (200, 1), (300, 2)]
    assert len({answer_id for answer_id, _ in seen}) == 3
    # A client that did not get the answer asks again, and gets the same.
    assert counted(sdk, app, messages, stream=stream, tools=[WEATHER])[:2] == last[:2]
    turn = Turn.objects.get(app=app)
    assert (turn.prompt_tokens, turn.completion_tokens) == (600, 4)


def counted(
    sdk: openai.OpenAI, app: App, messages: list[Any], *, stream: bool, **more: Any
) -> tuple[str, tuple[int, int], Any]:
    """Return the id, the tokens of the prompt and of the reply, and the message of an answer, whole or streamed."""
    if not stream:
        whole = sdk.chat.completions.create(model=app.slug, messages=messages, **more)
        assert whole.usage is not None
        used = (whole.usage.prompt_tokens, whole.usage.completion_tokens)
        return whole.id, used, whole.choices[0].message.to_dict()
    more |= {"stream": True, "stream_options": {"include_usage": True}}
    pieces = list(sdk.chat.completions.create(model=app.slug, messages=messages, **more))
    (answer_id,) = {piece.id for piece in pieces}
    usage = pieces[-1].usage
    deltas = [piece.choices[0].delta.tool_calls for piece in pieces if piece.choices]
    tool_calls = [call.model_dump(exclude={"index"}) for one in deltas for call in one or []]
    message = {"role": "assistant", "content": "", "tool_calls": tool_calls}
    return answer_id, (usage.prompt_tokens, usage.completion_tokens), message


def test_a_clients_tool_may_have_a_schema_of_an_older_draft(
    sdk: openai.OpenAI, app: App, app_client: Client, model: ScriptedModel
) -> None:
    """Libraries write draft-07; here with its words for tuples and definitions."""
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    place = {"type": "array", "items": [{"type": "number"}, {"$ref": "#/definitions/name"}]}
    parameters: Any = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"place": place},
        "definitions": {"name": {"type": "string"}},
    }
    tool: Any = {"name": "go", "parameters": parameters}
    model.will(calls(("go", {"place": [1, 2]})), calls(("go", {"place": [1, "Oslo"]})))
    answer = sdk.chat.completions.create(
        model=app.slug, messages=[user("Go.")], tools=[{"type": "function", "function": tool}]
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"place": [1, "Oslo"]}  # type: ignore[union-attr]
    assert "arguments are invalid" in json.dumps(model.prompts[-1])
    offered = [each["function"] for each in model.requests[0]["tools"] if each["function"]["name"] == "go"]
    assert (offered[0]["parameters"].keys() & parameters.keys()) == {"type", "properties"}
    body = {"message": "Go.", "app": app.slug, "client_tools": [tool]}
    assert app_client.request("POST", "/api/chat", json=body).is_success


def test_a_clients_tool_needs_the_apps_permission_and_a_unique_name(sdk: openai.OpenAI, app: App) -> None:
    with pytest.raises(openai.BadRequestError, match="does not accept tools") as refused:
        sdk.chat.completions.create(model=app.slug, messages=[user("Hi")], tools=[WEATHER])
    assert (refused.value.param, refused.value.code) == ("tools", "unsupported_parameter")
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    shadow: Any = {"type": "function", "function": {"name": "calculate", "parameters": {"type": "object"}}}
    with pytest.raises(openai.BadRequestError, match="'calculate' is taken"):
        sdk.chat.completions.create(model=app.slug, messages=[user("Hi")], tools=[shadow])
    assert not ChatSession.objects.filter(app=app).exists()


def test_the_body_decides_whether_there_is_a_stream(app_client: Client, app: App) -> None:
    for is_stream, accepted in ((False, "text/event-stream"), (True, "application/json")):
        body = {"model": app.slug, "messages": [user("Hi")], "stream": is_stream}
        answer = app_client.request("POST", "/v1/chat/completions", json=body, headers={"Accept": accepted})
        assert answer.headers["Content-Type"].startswith("text/event-stream") is is_stream
        assert "Connection" not in answer.headers  # only an error in place of a stream closes its connection


@pytest.mark.shows("openai-python", "confirmation")
def test_a_confirmation_is_a_question_to_the_user(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    headers = {"X-Session-Id": str(uuid.uuid4())}
    model.will(calls(("calculate", {"expression": "6*7"}), prompt_tokens=100), says("It is 42.", prompt_tokens=200))
    asked = sdk.chat.completions.create(model=app.slug, messages=[user("6*7?")], extra_headers=headers)
    question = asked.choices[0].message.content or ""
    assert question.startswith('This needs your confirmation: calculate({"expression": "6*7"}).')
    answer = sdk.chat.completions.create(model=app.slug, messages=[user("Yes.")], extra_headers=headers)
    assert answer.choices[0].message.content == "It is 42."
    assert answer.id != asked.id
    assert [one.usage and one.usage.prompt_tokens for one in (asked, answer)] == [100, 200]


def test_system_messages_count_only_where_the_app_says_so(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(preamble="Be brief.")
    messages: Any = [{"role": "system", "content": "Speak like a pirate."}, user("Hi")]
    sdk.chat.completions.create(model=app.slug, messages=messages, temperature=1.5)
    App.objects.filter(pk=app.pk).update(callers_may_instruct=True, callers_may_sample=True)
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    sdk.chat.completions.create(model=app.slug, messages=messages, temperature=1.5, max_tokens=7, response_format=form)
    ignored, taken = model.requests
    assert "pirate" not in json.dumps(ignored["messages"])
    assert "temperature" not in ignored
    system = taken["messages"][0]["content"]
    assert system.index("Be brief.") < system.index("Speak like a pirate.")
    assert (taken["temperature"], taken["max_tokens"], taken["response_format"]) == (1.5, 7, form)


def test_a_model_of_the_app_can_be_named(sdk: openai.OpenAI, app: App, model: ScriptedModel) -> None:
    assert app.default_model is not None
    own_name = f"meta/{app.default_model.name}"  # providers of many models name them like this
    Model.objects.filter(pk=app.default_model.pk).update(name=own_name)
    name = f"{app.slug}:{own_name}"
    completion = sdk.chat.completions.create(model=name, messages=[user("Hi")])
    assert completion.model == name
    assert sdk.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError):
        sdk.chat.completions.create(model=f"{app.slug}:gpt-x", messages=[user("Hi")])


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"temperature": 9}, "temperature"),
        ({"metadata": {"session_id": "mine"}}, "metadata.session_id"),
        ({"tools": [WEATHER]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "content[0]"),
        ({"messages": [{"role": "tool", "tool_call_id": "call_1", "content": "x"}]}, "tool_call_id"),
    ],
)
def test_what_is_not_supported_is_named(sdk: openai.OpenAI, app: App, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.chat.completions.create(**{"model": app.slug, "messages": [user("Hi")], **more})
    assert refused.value.type == "invalid_request_error"
    assert param in str(refused.value.param)


@pytest.mark.shows("openai-python", "wrong_key", "busy")
def test_errors_have_the_form_of_openai(sdk: openai.OpenAI, server: Server, app: App, model: ScriptedModel) -> None:
    assert server.get("/v1").json()["error"]["code"] == "not_found"
    wrong = sdk.with_options(api_key="sk-wrong")
    with pytest.raises(openai.AuthenticationError) as unknown:
        wrong.models.list()
    assert (unknown.value.code, unknown.value.type) == ("invalid_api_key", "authentication_error")
    assert unknown.value.request_id == unknown.value.response.headers["x-request-id"]
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="another-systems-token").models.list()
    with pytest.raises(openai.ConflictError) as busy:
        sdk.chat.completions.create(
            model=app.slug, messages=[user("Hi")], extra_headers={"X-Session-Id": busy_session(app)}
        )
    assert busy.value.response.headers["Retry-After"] == "1"
    model.will(refuses(400))
    with pytest.raises(openai.InternalServerError) as failed:
        sdk.chat.completions.create(model=app.slug, messages=[user("Hi")])
    assert (failed.value.status_code, failed.value.code) == (502, "model_error")
    model.will(refuses(400))
    with pytest.raises(openai.APIError, match="model"):
        list(sdk.chat.completions.create(model=app.slug, messages=[user("Hi")], stream=True))
    with pytest.raises(openai.NotFoundError) as nothing:
        sdk.get("/nothing", cast_to=object)
    assert nothing.value.code == "not_found"


@pytest.mark.shows("openai-python", "interrupt")
def test_an_interrupt_ends_a_stream(
    sdk: openai.OpenAI, server: Server, key: str, app: App, model: ScriptedModel
) -> None:
    model.will(Reply([chunk({"content": "Once upon"})], then="hang"))
    session_id = str(uuid.uuid4())
    stream = sdk.chat.completions.create(
        model=app.slug, messages=[user("Hi")], stream=True, extra_headers={"X-Session-Id": session_id}
    )
    text = ""
    for piece in stream:
        text += piece.choices[0].delta.content or ""
        if text == "Once upon" and not piece.choices[0].finish_reason:
            with Client(server.url, key=key, session_id=session_id) as client:
                assert client.request("POST", "/api/interrupt").json()["status"] == "interrupted"
    assert text == "Once upon"


@pytest.mark.shows("openai-python", "rate_limit")
def test_a_limit_says_when_to_try_again(sdk: openai.OpenAI, app: App) -> None:
    issued = factories.make_key(app)
    limit(key_subject(issued.app_key.pk), requests_per_minute=1, burst=1)
    limited = sdk.with_options(api_key=issued.plain)
    limited.chat.completions.create(model=app.slug, messages=[user("Hi")])
    with pytest.raises(openai.RateLimitError) as refused:
        limited.chat.completions.create(model=app.slug, messages=[user("Hi")])
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["Retry-After"]) > 0


def test_no_key_opens_the_default_app_only(stranger: openai.OpenAI, app: App) -> None:
    assert [model.id for model in stranger.models.list()] == ["default"]
    completion = stranger.chat.completions.create(model="default", messages=[user("Hi")])
    assert completion.choices[0].message.content == "Hello."
    for name in (app.slug, "unknown"):  # callers cannot find out which Apps exist
        with pytest.raises(openai.AuthenticationError) as refused:
            stranger.chat.completions.create(model=name, messages=[user("Hi")])
        assert (refused.value.code, "Bearer sk-" in refused.value.message) == ("invalid_api_key", True)
    with pytest.raises(openai.NotFoundError):
        stranger.chat.completions.create(model="default:unknown", messages=[user("Hi")])


def test_a_browser_token_opens_what_it_opens(
    server: Server, sdk: openai.OpenAI, app: App, other_app: App, model: ScriptedModel
) -> None:
    key = factories.make_key(app, other_app).plain
    session_id = str(uuid.uuid4())
    page = sdk.with_options(api_key=new_token(server, key, app=app.slug, session_id=session_id))
    assert [one.id for one in page.models.list()] == [app.slug]
    model.will(says("To a page."))
    in_session = {"X-Session-Id": session_id}
    completion = page.chat.completions.create(model=app.slug, messages=[user("Hi")], extra_headers=in_session)
    assert completion.choices[0].message.content == "To a page."
    for another in (other_app.slug, "default"):
        with pytest.raises(openai.NotFoundError):
            page.chat.completions.create(model=another, messages=[user("Hi")], extra_headers=in_session)
    for headers in ({}, {"X-Session-Id": str(uuid.uuid4())}):
        with pytest.raises(openai.PermissionDeniedError) as refused:
            page.chat.completions.create(model=app.slug, messages=[user("Hi")], extra_headers=headers)
        assert refused.value.code == "session_not_available"
    elsewhere = sdk.with_options(api_key=new_token(server, key, app=app.slug, origin="https://shop.example"))
    with pytest.raises(openai.PermissionDeniedError) as refused:
        elsewhere.models.list()
    assert refused.value.code == "origin_not_allowed"
    App.objects.filter(pk=app.pk).update(allowed_networks="192.0.2.0/24")
    with pytest.raises(openai.PermissionDeniedError) as refused:
        sdk.chat.completions.create(model=app.slug, messages=[user("Hi")])
    assert refused.value.code == "network_not_allowed"
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="bt-nope").models.list()
