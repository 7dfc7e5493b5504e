"""Whatever a provider sends, cut at any byte, the client gets an answer or an error, and the next turn works."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client import Client, texts
from tests.model_server import DONE, Reply, ScriptedModel, chunk, sse
from tests.seen.shapes import SUM
from tests.wild import wild_json, wild_text

pytestmark = pytest.mark.thorough

outside = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
cut_lists = st.lists(st.integers(0, 3_000), max_size=6)
junk = st.dictionaries(wild_text.map("x-{}".format), wild_json, max_size=2)


def in_pieces(sent: bytes, cuts: list[int]) -> Reply:
    ends = sorted({at % (len(sent) + 1) for at in cuts} | {len(sent)})
    return Reply([sent[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end])


@outside
@given(more=st.lists(junk, min_size=3, max_size=3), cuts=cut_lists)
def test_a_call_is_made_once_whatever_else_the_response_contains(
    app_client: Client, model: ScriptedModel, more: list[dict[str, Any]], cuts: list[int]
) -> None:
    call = {"index": 0, "id": "call_1", "function": {"name": "calculate", "arguments": SUM, **more[0]}, **more[1]}
    model.will(in_pieces(chunk({"tool_calls": [call]}, **more[2]) + chunk({}, "tool_calls") + DONE, cuts))
    model.will(in_pieces(chunk({"content": "Größe \N{GRINNING FACE}", **more[0]}) + chunk({}, "stop") + DONE, cuts))
    before = len(model.requests)
    assert texts(app_client.chat("Go"))[-1] == ("agent", "Größe \N{GRINNING FACE}")
    assert len(model.requests) == before + 2
    last = [message for message in model.prompts[-1] if message.get("tool_calls")][-1]["tool_calls"]
    assert [json.loads(made["function"]["arguments"]) for made in last] == [json.loads(SUM)]


@outside
@given(events=st.lists(wild_json, max_size=3), wild=st.tuples(wild_json, wild_json), cuts=cut_lists)
def test_any_response_is_an_answer_or_a_failure(
    app_client: Client, model: ScriptedModel, events: list[Any], wild: tuple[Any, Any], cuts: list[int]
) -> None:
    delta, content = wild
    sent = b"".join(map(sse, [*events, {"choices": [{"delta": delta}]}])) + chunk({"content": content}, "stop") + DONE
    model.will(in_pieces(sent, cuts))
    assert app_client.post_chat("Go").status_code in {200, 502}
    assert app_client.state()["is_processing"] is False
    model.server.clear(model.model_id)
    assert texts(app_client.chat("And now?"))[-1] == ("agent", "Hello.")
