"""Real responses of providers, through the whole product: what clients see, what is stored and what is sent back."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from apps_registry.models import App, AppModel, Model, Provider
from chat.prompt.alternation import NO_ANSWER
from sessions_app.models import ChatSession, Message, Turn
from tests import factories
from tests.client import Client, texts
from tests.conftest import Operator
from tests.model_server import DONE, ModelServer, Part, Reply, ScriptedModel, calls, chunk, refuses, says, sse
from tests.sse import Updates

JSON = {"Content-Type": "application/json"}
STOP = chunk({}, "stop")
SIGNED = {"google": {"thought_signature": "c2ln"}}
DETAIL = {"type": "reasoning.text", "format": "x", "index": 0}


def call_of(expression: str, **more: Any) -> dict[str, Any]:
    """A call of the calculator, in one piece."""
    function = {"name": "calculate", "arguments": json.dumps({"expression": expression})}
    return {"index": 0, "id": "call_of-its-own.1", "type": "function", "function": function, **more}


def calculates(*deltas: dict[str, Any], **more: Any) -> Reply:
    """An answer that reasons, then calls the calculator."""
    called = chunk({"tool_calls": [call_of("1 + 1", **more)]})
    return Reply([*map(chunk, deltas), called, chunk({}, "tool_calls"), DONE])


THINKS: list[dict[str, Any]] = [
    {"role": "assistant", "content": None, "reasoning_content": "I shall "},
    {"reasoning_content": "add.", "reasoning_details": [{**DETAIL, "text": "I shall "}]},
    {"reasoning_details": [{**DETAIL, "text": "add.", "signature": "sig"}]},
]
WANTED_BACK: dict[str, Any] = {
    "reasoning_content": "I shall add.",
    "reasoning_details": [{**DETAIL, "text": "I shall add.", "signature": "sig"}],
}


def assistant(prompt: list[dict[str, Any]]) -> dict[str, Any]:
    return next(message for message in prompt if message.get("tool_calls"))


@pytest.fixture
def other(app: App, model_server: ModelServer) -> ScriptedModel:
    """Another provider's model, which the App asks when its own fails."""
    config = factories.make_model(model_server.base_url)
    AppModel.objects.create(app=app, model=config, position=0)
    return ScriptedModel(model_server, config.provider_model_id)


def test_fields_that_a_provider_wants_back_are_sent_back_in_this_and_later_turns(
    app_client: Client, model: ScriptedModel
) -> None:
    model.will(calculates(*THINKS, extra_content=SIGNED), says("2."), says("Yes."))
    assert texts(app_client.chat("What is 1 + 1?"))[-1] == ("agent", "2.")
    app_client.chat("Sure?")
    for prompt in model.prompts[-2:]:
        message = assistant(prompt)
        assert {name: message[name] for name in WANTED_BACK} == WANTED_BACK
        (call,) = message["tool_calls"]
        assert (call["id"], call["extra_content"]) == ("call_of-its-own.1", SIGNED)
        assert next(message for message in prompt if message["role"] == "tool")["tool_call_id"] == call["id"]
    assert "add." not in json.dumps(app_client.state())


@pytest.mark.parametrize("moment", ["in the turn", "later"])
def test_another_provider_does_not_get_these_fields(
    app_client: Client, model: ScriptedModel, other: ScriptedModel, moment: str
) -> None:
    down = [refuses(401)]
    model.will(calculates(*THINKS, extra_content=SIGNED), *(down if moment == "in the turn" else [says("2."), *down]))
    other.will(says("Two."))
    app_client.chat("What is 1 + 1?")
    if moment == "later":
        app_client.chat("Sure?")
    (prompt,) = other.prompts
    message = assistant(prompt)
    assert set(message) == {"role", "content", "tool_calls"}
    (call,) = message["tool_calls"]
    assert set(call) == {"id", "type", "function"}
    assert len(call["id"]) == 9
    assert call["id"].isalnum()
    assert next(message for message in prompt if message["role"] == "tool")["tool_call_id"] == call["id"]


def test_a_provider_at_another_address_is_another_provider(app_client: Client, model: ScriptedModel) -> None:
    model.will(calculates(*THINKS, extra_content=SIGNED), says("2."), says("Yes."))
    app_client.chat("What is 1 + 1?")
    provider = Provider.objects.get(models__name=model.model_id)
    Provider.objects.filter(pk=provider.pk).update(base_url=provider.base_url.replace("127.0.0.1", "localhost"))
    app_client.chat("Sure?")
    message = assistant(model.prompts[-1])
    assert set(message) == {"role", "content", "tool_calls"}
    assert message["tool_calls"][0]["id"] != "call_of-its-own.1"


def test_another_model_of_the_provider_gets_its_ids_alone(app_client: Client, app: App, model: ScriptedModel) -> None:
    model.will(calculates(*THINKS, extra_content=SIGNED), says("2."))
    app_client.chat("What is 1 + 1?")
    Model.objects.filter(name=model.model_id).update(provider_model_id=f"{model.model_id}-next")
    successor = ScriptedModel(model.server, f"{model.model_id}-next")
    app_client.chat("Sure?")
    message = assistant(successor.prompts[-1])
    assert set(message) == {"role", "content", "tool_calls"}
    assert message["tool_calls"][0]["id"] == "call_of-its-own.1"


def test_these_fields_survive_a_confirmation_and_its_interrupt(
    app_client: Client, app: App, model: ScriptedModel
) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calculates(*THINKS, extra_content=SIGNED), says("2."), calculates(*THINKS, extra_content=SIGNED))
    (question,) = app_client.chat("What is 1 + 1?")["system_events"]
    payload = {"call_id": question["InlineCall"]["payload"]["call_id"], "approved": True}
    message = json.dumps({"type": "confirm_tool", "payload": payload})
    assert app_client.request("POST", "/api/system", params={"message": message}).status_code == 200
    assert texts(app_client.poll())[-1] == ("agent", "2.")
    app_client.chat("Again")  # it waits for its user, who leaves: the statement records the call
    app_client.request("POST", "/api/interrupt")
    model.will(says("Well."))
    app_client.chat("Never mind")
    with_calls = [message for message in model.prompts[-1] if message.get("tool_calls")]
    assert len(with_calls) == 2
    for message_sent in [*with_calls, assistant(model.prompts[1])]:
        assert message_sent["reasoning_content"] == "I shall add."
        assert message_sent["tool_calls"][0]["extra_content"] == SIGNED


def test_an_answer_without_calls_is_sent_back_without_its_plain_reasoning(
    app_client: Client, model: ScriptedModel
) -> None:
    model.will(Reply([*map(chunk, THINKS), chunk({"content": "Two."}), STOP, DONE]), says("Yes."))
    app_client.chat("What is 1 + 1?")
    app_client.chat("Sure?")
    message = next(message for message in model.prompts[-1] if message["role"] == "assistant")
    details = WANTED_BACK["reasoning_details"]
    assert message == {"role": "assistant", "content": "Two.", "reasoning_details": details}


@pytest.mark.parametrize("text", ["x" * 70_000, "a\x00b", "a\ud800b"])
def test_fields_that_cannot_be_stored_are_not_sent_back(app_client: Client, model: ScriptedModel, text: str) -> None:
    model.will(calculates({"reasoning_content": text}, extra_content={"x": text}), says("2."), says("Yes."))
    assert texts(app_client.chat("What is 1 + 1?"))[-1] == ("agent", "2.")
    app_client.chat("Sure?")
    assert set(assistant(model.prompts[-1])) == {"role", "content", "tool_calls"}


def thinks_aloud(*pieces: str) -> Reply:
    return says("<thi", "nk>I shall ", "say hello.</th", "ink>\n\n", *pieces)


def test_thoughts_in_the_text_are_neither_shown_nor_sent_back(app_client: Client, model: ScriptedModel) -> None:
    model.will(thinks_aloud("Hel", "lo."), says("Yes."))
    with Updates(app_client) as reader:
        assert texts(app_client.chat("Hi")) == [("user", "Hi"), ("agent", "Hello.")]
        reader.wait_for(lambda event: event["type"] == "status_changed" and event["status"] == "idle")
        deltas = [event["delta"] for event in reader.events if event["type"] == "message_delta"]
    assert "".join(deltas) == "Hello."
    app_client.chat("Sure?")
    assert "I shall" not in json.dumps(model.prompts[-1])
    assert not Message.objects.filter(session_id=app_client.uuid).exclude(reasoning="").exists()


def test_titles_and_summaries_are_without_thoughts(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(makes_titles=True)
    model.will(says("Hello."), thinks_aloud("A greeting"))
    with Updates(app_client) as reader:
        app_client.chat("Hi")
        changed = reader.wait_for(lambda event: event["type"] == "title_changed")
    assert changed["new_title"] == "A greeting"


def test_a_title_whose_thought_was_opened_by_the_template(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(makes_titles=True)
    model.will(says("Hello."), says("Hm, a greeting.\n", "</think>\n\n", "A greeting"))
    with Updates(app_client) as reader:
        app_client.chat("Hi")
        assert reader.wait_for(lambda event: event["type"] == "title_changed")["new_title"] == "A greeting"


def test_reasoning_alone_is_not_an_answer(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("<think>I shall", " say", finish_reason="length"))
    answer = app_client.post_chat("Hi")
    assert answer.status_code == 502
    assert "nothing but reasoning (finish reason: length)" in answer.json()["detail"]


def test_a_call_within_reasoning_is_made(app_client: Client, model: ScriptedModel) -> None:
    called = chunk({"tool_calls": [call_of("1 + 1")]})
    model.will(Reply([chunk({"content": "<think>I need it"}), called, chunk({}, "tool_calls"), DONE]), says("2."))
    assert texts(app_client.chat("Go")) == [("user", "Go"), ("agent", ""), ("agent", "2.")]


@pytest.mark.parametrize("keeps", [True, False])
def test_an_app_may_keep_reasoning_which_the_console_shows_folded(
    app_client: Client, app: App, model: ScriptedModel, operator: Operator, keeps: bool
) -> None:
    App.objects.filter(pk=app.pk).update(keeps_reasoning=keeps)
    model.will(calculates(*THINKS), Reply([*thinks_aloud("It is <b>2</b>.").parts]))
    app_client.chat("What is 1 + 1?")
    stored = [row.reasoning for row in Message.objects.filter(session_id=app_client.uuid).order_by("position")]
    assert stored == (["", "I shall add.", "I shall say hello."] if keeps else [""] * 3)
    browser = Browser()
    browser.force_login(User.objects.get(username=operator.username))
    page = browser.get(f"/admin/sessions_app/chatsession/{app_client.uuid}/change/").content.decode()
    assert page.count("<summary>Reasoning</summary>") == (2 if keeps else 0)
    assert "I shall say hello." in page or not keeps
    assert "I shall" not in json.dumps(app_client.state())


ANSWERS: dict[str, Reply] = {
    "parts": Reply(
        [chunk({"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]}), STOP, DONE]
    ),
    "a complete answer": Reply(
        [json.dumps({"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}).encode()], headers=JSON
    ),
    "empty events and a byte order mark": Reply(
        [b"\xef\xbb\xbfdata:\n\ndata: null\n\n", chunk({"content": "Hello."}), STOP, DONE]
    ),
    "junk behind the end": Reply([chunk({"content": "Hello."}) + STOP + DONE + b"data: {oops\n\n\xff"]),
    "an error behind the end": Reply([chunk({"content": "Hello."}) + STOP + sse({"error": {"code": 500}}) + DONE]),
}


@pytest.mark.parametrize("reply", ANSWERS.values(), ids=ANSWERS)
def test_unusual_answers_are_accepted(app_client: Client, model: ScriptedModel, reply: Reply) -> None:
    model.will(reply)
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "Hello.")
    assert len(model.requests) == 1


SAID = chunk({"content": "Half an answer"})
FAILURES: dict[str, tuple[list[Part], str]] = {
    "the finish reason error": ([SAID, chunk({}, "error")], "reported an error"),
    "an error within the choice": (
        [SAID + sse({"choices": [{"delta": {}, "error": {"code": 502}, "finish_reason": "error"}]})],
        "reported an error",
    ),
    "an error after the text": ([SAID + sse({"error": {"message": "SECRET"}})], "reported an error"),
    "a bad event after the text": ([SAID + b"data: {oops\n\n"], "not a chat completion stream"),
    "nested 1,500 deep": (
        [SAID, b'data: {"x":' + b"[" * 1500 + b"]" * 1500 + b"}\n\n"],
        "not a chat completion stream",
    ),
}


@pytest.mark.parametrize(("parts", "detail"), FAILURES.values(), ids=FAILURES)
def test_an_incomplete_answer_is_a_failure_that_operators_can_read(
    app_client: Client, model: ScriptedModel, parts: list[Part], detail: str
) -> None:
    model.will(Reply([*parts, DONE]))
    answer = app_client.post_chat("Hi")
    assert (answer.status_code, len(model.requests)) == (502, 1)
    assert detail in answer.json()["detail"]
    assert "SECRET" not in answer.text
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.status, turn.partial_text) == ("failed", "Half an answer")


def test_a_chunk_nested_too_deeply_is_not_requested_again(app_client: Client, model: ScriptedModel) -> None:
    model.will(Reply([b'data: {"x":' + b"[" * 1500 + b"]" * 1500 + b"}\n\n", DONE]), says("never asked"))
    assert app_client.post_chat("Hi").status_code == 502
    assert len(model.requests) == 1


def test_a_temporary_error_before_the_first_token_is_not_noticed(app_client: Client, model: ScriptedModel) -> None:
    model.will(Reply([sse({"error": {"code": 503}, "choices": []}), DONE]), says("Hello."))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "Hello.")


def test_an_endless_reply_is_cut_and_kept(app_client: Client, model: ScriptedModel) -> None:
    model.will(Reply([chunk({"content": "word " * 20_000})] * 12, then="hang"))
    text = texts(app_client.chat("Hi"))[-1][1]
    assert len(text) == 1_000_000
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.status, turn.finish_reason) == ("completed", "length")


def roles(prompt: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in prompt if message["role"] != "system"]


def test_a_prompt_alternates_after_a_notice(app_client: Client, model: ScriptedModel) -> None:
    app_client.chat("Hi")
    app_client.request("POST", "/api/system", params={"message": "The weather changed."})
    app_client.chat("And now?")
    assert roles(model.prompts[-1]) == ["user", "assistant", "user"]
    assert model.prompts[-1][-1]["content"].endswith("The weather changed.\n\nAnd now?")


def test_a_prompt_alternates_after_calls_without_an_answer(app_client: Client, model: ScriptedModel) -> None:
    model.will(calls(("calculate", {"expression": "1 + 1"})), Reply([chunk({}, "error"), DONE]))
    assert app_client.post_chat("Go").status_code == 502
    app_client.chat("And now?")
    assert roles(model.prompts[-1]) == ["user", "assistant", "tool", "assistant", "user"]
    assert model.prompts[-1][-2]["content"] == NO_ANSWER


def test_a_prompt_alternates_after_an_interrupt_before_the_first_word(
    app_client: Client, app: App, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(reply_wait_seconds=0)
    model.will(Reply([b": wait\n\n"], then="hang"))
    app_client.chat("Hi")
    assert app_client.request("POST", "/api/interrupt").json()["status"] == "interrupted"
    app_client.chat("And now?")
    app_client.poll()
    assert roles(model.prompts[-1]) == ["user"]


def test_a_prompt_with_a_summary_alternates(app_client: Client, model: ScriptedModel) -> None:
    app_client.chat("q0")
    app_client.chat("q1")
    ChatSession.objects.filter(pk=app_client.uuid).update(
        summary="They spoke.", summarised_count=2, version=ChatSession.objects.get(pk=app_client.uuid).version + 1
    )
    app_client.chat("q2")
    assert roles(model.prompts[-1]) == ["user", "assistant", "user"]
    first = next(message for message in model.prompts[-1] if message["role"] == "user")["content"]
    assert "They spoke." in first
    assert first.endswith("\n\nq1")
