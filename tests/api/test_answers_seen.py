"""Responses that providers really sent, each with its source, and what a client reads in them."""

import json

import pytest

from tests.client import Client, texts
from tests.model_server import ScriptedModel, says
from tests.seen.calls import CALLS
from tests.seen.failures import FAILURES
from tests.seen.shapes import Called, Failed, Told
from tests.seen.texts import TEXTS


@pytest.mark.parametrize("seen", TEXTS.values(), ids=TEXTS)
def test_a_text_has_its_intended_meaning(app_client: Client, model: ScriptedModel, seen: Told) -> None:
    model.will(*seen.replies)
    assert texts(app_client.chat("Hi"))[-1] == ("agent", seen.text)
    assert len(model.requests) == len(seen.replies)
    model.will(says("Yes."))
    assert texts(app_client.chat("And now?"))[-1] == ("agent", "Yes.")  # stored fields can be sent back


@pytest.mark.parametrize("seen", CALLS.values(), ids=CALLS)
def test_a_tool_call_is_made_once_with_the_intended_arguments(
    app_client: Client, model: ScriptedModel, seen: Called
) -> None:
    model.will(seen.reply, says("Done."))
    assert texts(app_client.chat("Go"))[-1] == ("agent", "Done.")
    assert len(model.requests) == 2
    prompt = model.prompts[-1]
    asked = [call for message in prompt for call in message.get("tool_calls", [])]
    assert [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in asked] == seen.calls
    results = [message for message in prompt if message["role"] == "tool"]
    assert [result["tool_call_id"] for result in results] == [call["id"] for call in asked]
    assert ["error" not in result["content"].lower() for result in results] == [seen.works] * len(asked)


@pytest.mark.parametrize("seen", FAILURES.values(), ids=FAILURES)
def test_a_failure_is_reported_as_a_failure(app_client: Client, model: ScriptedModel, seen: Failed) -> None:
    model.will(*[seen.reply] * 9)
    answer = app_client.post_chat("Hi")
    assert answer.status_code in (502, 503), answer.text
    assert seen.detail in answer.json()["detail"]
    assert len(model.requests) <= seen.at_most
    assert "SECRET" not in answer.text
    model.server.clear(model.model_id)
    assert texts(app_client.chat("Hi again"))[-1] == ("agent", "Hello.")
