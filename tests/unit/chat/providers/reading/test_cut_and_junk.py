"""Reading a response does not depend on where its bytes are cut, nor on unknown fields."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.providers.base import ModelFailure
from chat.providers.reading.chunks import AnswerReader
from chat.providers.reading.events import DONE, EventDecoder
from chat.providers.reading.tool_calls import ToolCallAssembly
from tests.model_server import Reply, sse
from tests.seen.calls import CALLS
from tests.seen.failures import FAILURES
from tests.seen.texts import TEXTS
from tests.wild import wild_json, wild_text

bounded = settings(max_examples=5, derandomize=True, database=None, deadline=None)
thorough = settings(bounded, max_examples=60)


class Read(NamedTuple):
    """What is read from an answer; `failure` is empty if it does not fail."""

    text: str
    reasoning: str
    finish_reason: str
    calls: list[tuple[str, str, str]]
    failure: str


def read(pieces: Iterable[bytes]) -> Read:
    """Read an answer like the client, but without a connection."""
    parts: list[str] = []
    thought: list[str] = []
    calls, finish_reason, failure = ToolCallAssembly(), "", ""
    try:
        reader = AnswerReader()
        for event in _events(pieces):
            delta = reader.read(event).storable()
            parts.append(delta.text)
            thought.append(delta.reasoning)
            finish_reason = delta.finish_reason or finish_reason
            for piece in delta.tool_calls:
                calls.take(piece)
        whole = [(call.call_id, call.name, call.arguments) for call in calls.calls()]
    except ModelFailure as error:
        whole, failure = [], "" if finish_reason else str(error)
    return Read("".join(parts), "".join(thought), finish_reason, whole, failure)


def _events(pieces: Iterable[bytes]) -> Iterable[bytes]:
    decoder = EventDecoder()
    for piece in pieces:
        for event in decoder.feed(piece):
            if event == DONE:
                return
            yield event
    yield from (event for event in decoder.end() if event != DONE)


def cut(sent: bytes, positions: Sequence[int]) -> list[bytes]:
    ends = sorted({position % (len(sent) + 1) for position in positions} | {len(sent)})
    return [sent[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def sent_by(reply: Reply) -> bytes:
    return b"".join(part for part in reply.parts if isinstance(part, bytes))


SENT = {
    **{
        name: sent_by(seen.replies[0])
        for name, seen in TEXTS.items()
        if "Content-Encoding" not in seen.replies[0].headers
    },
    **{name: sent_by(called.reply) for name, called in CALLS.items()},
    **{name: sent_by(failed.reply) for name, failed in FAILURES.items()},
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
@bounded
@given(places=st.lists(st.integers(0, 10_000), max_size=12))
def test_it_is_the_same_wherever_it_is_cut(sent: bytes, places: list[int]) -> None:
    assert read(cut(sent, places)) == read([sent])


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_it_is_the_same_byte_by_byte(sent: bytes) -> None:
    assert read(sent[at : at + 1] for at in range(len(sent))) == read([sent])


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
@bounded
@given(place=st.integers(0, 10_000))
def test_a_truncated_response_gives_no_more_than_the_whole(sent: bytes, place: int) -> None:
    whole, half = read([sent]), read([sent[: place % (len(sent) + 1)]])
    assert whole.text.startswith(half.text.rstrip("\ufffd"))
    assert len(half.calls) <= max(len(whole.calls), 1 if whole.failure else 0)


names = wild_text.map(lambda text: f"x-{text}")
junk = st.dictionaries(names, wild_json, max_size=2)


@settings(bounded, max_examples=25)
@given(st.lists(st.tuples(junk, junk, junk), min_size=4, max_size=4))
def test_unknown_fields_change_nothing(more: list[tuple[Any, Any, Any]]) -> None:
    function = {"name": "add", "arguments": '{"a":'}
    deltas: list[dict[str, Any]] = [
        {"content": "Hel"},
        {"content": "lo."},
        {"tool_calls": [{"index": 0, "id": "call_1", "function": {**function, **more[0][0]}, **more[1][0]}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": " 1}", **more[2][0]}, **more[3][0]}]},
    ]
    events = [
        {"choices": [{"index": 0, "delta": {**delta, **of_delta}, **of_choice}], **of_chunk}
        for delta, (of_delta, of_choice, of_chunk) in zip(deltas, more, strict=True)
    ]
    result = read([*map(sse, events), sse({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})])
    assert result == Read("Hello.", "", "tool_calls", [("call_1", "add", '{"a": 1}')], "")


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: value | wild_json for name, value in fields.items()})


_functions = some(name=wild_text, arguments=wild_text | st.just('{"a": 1}'))
_calls = some(index=st.integers(-1, 2), id=wild_text, type=st.just("function"), function=_functions)
_messages = some(
    role=st.just("assistant"),
    content=wild_text | st.just("<think>") | st.just("<|channel|>analysis<|message|>") | st.lists(some(text=wild_text)),
    reasoning_content=wild_text,
    reasoning_details=st.lists(some(text=wild_text, index=st.integers(0, 1))),
    tool_calls=st.lists(_calls, max_size=3),
    function_call=_functions,
    refusal=wild_text,
)
_choices = some(delta=_messages, message=_messages, text=wild_text, finish_reason=st.sampled_from(["", "stop"]))
_tokens = some(prompt_tokens=st.integers(), completion_tokens=st.integers())
_chunks = some(choices=st.lists(_choices, max_size=2), usage=_tokens, error=st.none(), object=wild_text)


@thorough
@given(st.lists(_chunks | wild_json, max_size=6), st.lists(st.integers(0, 10_000), max_size=6))
def test_any_events_are_read_or_a_failure(events: list[Any], places: list[int]) -> None:
    result = read(cut(b"".join(map(sse, events)), places))
    assert json.loads(orjson.dumps(result[:4]).replace(rb"\u0000", b"NUL")) is not None  # no half of a surrogate pair
    assert "\x00" not in result.text + result.reasoning + result.finish_reason


_lines = st.sampled_from([b": ping", b"id: 7", b"retry: 1", b"event: message", b"x", b"x: y", b":", b"data", b"data:"])
_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@thorough
@given(st.lists(st.tuples(_lines, _ends, st.booleans()), max_size=8), st.lists(st.integers(0, 500), max_size=5))
def test_lines_between_events_change_nothing(lines: list[tuple[bytes, bytes, bool]], places: list[int]) -> None:
    between = b"".join(line + end + (end if is_event else b"") for line, end, is_event in lines)
    hello = sse({"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]})
    assert read(cut(between + b"\n\n" + hello, places)).text == "Hello."
