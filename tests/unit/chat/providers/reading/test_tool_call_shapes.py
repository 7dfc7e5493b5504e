"""The shapes of servers' tool calls, each with its source and the calls that must result.

`tool_calls` of one delta a line; a `whole` is a message in place of a delta. Read from the events' bytes on, as
streams are, and checked in every way of cutting the list into the calls that reach a tool.
"""

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.providers.base import ModelFailure
from chat.providers.reading.chunks import AnswerReader
from chat.providers.reading.tool_calls import ARGUMENTS_MAX_CHARS, AssembledCall, ToolCallAssembly
from tests.made_examples import examples

GITHUB = "https://github.com"
Fragment = dict[str, Any]


class Shape(NamedTuple):
    """What a server sends, what it means (name and arguments as text), and the source."""

    deltas: list[dict[str, Any]]
    calls: list[tuple[str, str]]
    source: str


def piece(arguments: Any = None, *, name: str | None = None, **more: Any) -> Fragment:
    """Return a fragment of a call; `index` and `id` only if they are given."""
    named = {} if name is None else {"name": name}
    return {**more, "function": {**named, **({} if arguments is None else {"arguments": arguments})}}


def each(*fragments: Fragment) -> list[dict[str, Any]]:
    """Deltas with one fragment each."""
    return [{"tool_calls": [fragment]} for fragment in fragments]


A, B = '{"x": 1}', '{"x": 2}'
WEI = 123456789012345678901234567890

SHAPES: dict[str, Shape] = {
    "as the protocol has it": Shape(
        each(piece("", index=0, id="a", name="f"), piece('{"x"', index=0), piece(": 1}", index=0)),
        [("f", A)],
        "https://platform.openai.com/docs/api-reference/chat/streaming",
    ),
    "two calls, interleaved": Shape(
        each(
            piece("", index=0, id="a", name="f"),
            piece("", index=1, id="b", name="g"),
            piece('{"x"', index=0),
            piece('{"x"', index=1),
            piece(": 1}", index=0),
            piece(": 2}", index=1),
        ),
        [("f", A), ("g", B)],
        f"{GITHUB}/QwenLM/Qwen-Agent/pull/943",
    ),
    "arguments as an object": Shape(
        each(piece({"x": 1}, index=0, id="a", name="f")), [("f", A)], f"{GITHUB}/ggml-org/llama.cpp/issues/20198"
    ),
    "an object with a number beyond 64 bits": Shape(
        each(piece({"x": WEI}, index=0, id="a", name="f")),
        [("f", f'{{"x": {WEI}}}')],
        f"{GITHUB}/can1357/oh-my-pi/pull/1779",
    ),
    "parallel calls at one index, with ids": Shape(
        each(piece(A, index=0, id="a", name="f"), piece(B, index=0, id="b", name="f")),
        [("f", A), ("f", B)],
        f"{GITHUB}/apache/maka/issues/1976",
    ),
    "parallel calls at one index, in pieces, with ids": Shape(
        each(
            piece("", index=0, id="a", name="f"),
            piece(A, index=0),
            piece("", index=0, id="b", name="f"),
            piece('{"x"', index=0),
            piece(": 2}", index=0),
        ),
        [("f", A), ("f", B)],
        f"{GITHUB}/ai-dynamo/dynamo/pull/4723",
    ),
    "parallel calls at one index, without ids": Shape(
        each(piece(A, index=0, name="f"), piece(B, index=0, name="f")),
        [("f", A), ("f", B)],
        f"{GITHUB}/huggingface/smolagents/pull/1958",
    ),
    "parallel calls at one index, with empty ids": Shape(
        each(piece(A, index=0, id="", name="f"), piece(B, index=0, id="", name="g")),
        [("f", A), ("g", B)],
        f"{GITHUB}/huggingface/smolagents/pull/1958",
    ),
    "parallel calls at one index, without ids, in pieces": Shape(
        each(piece("", index=0, name="f"), piece(A, index=0), piece("", index=0, name="f"), piece(B, index=0)),
        [("f", A), ("f", B)],
        f"{GITHUB}/huggingface/smolagents/pull/1958",
    ),
    "parallel calls without arguments, at one index, without ids": Shape(
        each(piece("{}", index=0, name="f"), piece("{}", index=0, name="g")),
        [("f", "{}"), ("g", "{}")],
        f"{GITHUB}/huggingface/smolagents/pull/1958",
    ),
    "no index": Shape(
        each(piece("", id="a", name="f"), piece(A), piece("", id="b", name="g"), piece(B)),
        [("f", A), ("g", B)],
        f"{GITHUB}/openai/openai-python/pull/3246",
    ),
    "two calls in one delta, without index and ids": Shape(
        [{"tool_calls": [piece(A, name="f"), piece(B, name="f")]}],
        [("f", A), ("f", B)],
        f"{GITHUB}/BerriAI/litellm/pull/24095",
    ),
    "the pieces of one call at growing indices": Shape(
        each(piece('{"x"', index=0, id="a", name="f"), piece(": ", index=1), piece("1}", index=2)),
        [("f", A)],
        f"{GITHUB}/dirac-run/dirac/pull/215",
    ),
    "an index as text": Shape(
        each(piece("", index="0", id="a", name="f"), piece(A, index="0"), piece(B, index="1", id="b", name="g")),
        [("f", A), ("g", B)],
        f"{GITHUB}/openai/openai-python/pull/3246",
    ),
    "an empty object first, the arguments later": Shape(
        each(piece("{}", index=0, id="a", name="f"), piece('{"x"', index=0), piece(": 1}", index=0)),
        [("f", A)],
        f"{GITHUB}/openai/openai-agents-js/pull/712",
    ),
    "an empty object first, then the name again with the arguments": Shape(
        each(piece("{}", index=0, name="f"), piece(A, index=0, name="f")),
        [("f", A)],
        f"{GITHUB}/ogx-ai/ogx/pull/5462",
    ),
    "arguments null first": Shape(
        each({"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}, piece(A, index=0)),
        [("f", A)],
        f"{GITHUB}/ogx-ai/ogx/pull/5462",
    ),
    "the arguments sent whole again at the end": Shape(
        each(piece('{"x"', index=0, id="a", name="f"), piece(": 1}", index=0), piece(A, index=0)),
        [("f", A)],
        f"{GITHUB}/mudler/cogito/pull/66",
    ),
    "the call sent whole again at the end": Shape(
        each(piece('{"x"', index=0, id="a", name="f"), piece(": 1}", index=0), piece(A, index=0, id="a", name="f")),
        [("f", A)],
        f"{GITHUB}/decolua/9router/pull/3779",
    ),
    "the call sent whole again, without an id": Shape(
        each(piece(A, index=0, name="f"), piece('{"x":1}', index=0, name="f")),
        [("f", A)],
        f"{GITHUB}/mudler/cogito/pull/66",
    ),
    "arguments that are repeated as they grow": Shape(
        each(piece('{"x"', index=0, id="a", name="f"), piece('{"x": 1', index=0), piece(A, index=0)),
        [("f", A)],
        f"{GITHUB}/mcowger/plexus/pull/759",
    ),
    "a piece that is an object by itself": Shape(
        each(piece('{"x": "a ', index=0, id="a", name="f"), piece("{}", index=0), piece(' b"}', index=0)),
        [("f", '{"x": "a {} b"}')],
        f"{GITHUB}/mcowger/plexus/pull/759",
    ),
    "an object within an object of the same beginning": Shape(
        each(
            piece('{"x":', index=0, id="a", name="f"),
            piece('{"x":', index=0),
            piece("1}", index=0),
            piece("}", index=0),
        ),
        [("f", '{"x":{"x":1}}')],
        f"{GITHUB}/mcowger/plexus/pull/759",
    ),
    "encoded twice": Shape(
        each(piece('"{\\"x\\"', index=0, id="a", name="f"), piece(': 1}"', index=0)),
        [("f", A)],
        f"{GITHUB}/ollama/ollama/pull/12413",
    ),
    "a text that only looks like an object": Shape(
        each(piece('"{hello world}"', index=0, id="a", name="f")),
        [("f", '"{hello world}"')],
        f"{GITHUB}/vllm-project/vllm/pull/54964",
    ),
    "a whole message in place of a delta": Shape(
        [{"message": {"content": None, "tool_calls": [piece(A, id="a", name="f"), piece(B, id="b", name="f")]}}],
        [("f", A), ("f", B)],
        f"{GITHUB}/Amm1rr/WebAI-to-API/issues/55",
    ),
    "a whole message after the deltas, under other ids": Shape(
        [
            *each(piece(A, index=0, id="a", name="f"), piece("{}", index=1, id="b", name="g")),
            {"message": {"tool_calls": [piece('{"x":1}', id="c", name="f"), piece("", id="d", name="g")]}},
        ],
        [("f", A), ("g", "{}")],
        f"{GITHUB}/decolua/9router/pull/3779",
    ),
    "an empty id with every later piece": Shape(
        each(piece("", index=0, id="a", name="f"), piece('{"x"', index=0, id=""), piece(": 1}", index=0, id="")),
        [("f", A)],
        f"{GITHUB}/symfony/ai/pull/2220",
    ),
    "the name and an empty name with every piece": Shape(
        each(piece("", index=0, id="a", name="f"), piece('{"x"', index=0, name=""), piece(": 1}", index=0, name="")),
        [("f", A)],
        f"{GITHUB}/langchain-ai/langchain/pull/39339",
    ),
    "the name with every piece": Shape(
        each(*(piece(part, index=0, id="a", name="f") for part in ("", '{"x"', ": 1}", ""))),
        [("f", A)],
        f"{GITHUB}/vllm-project/vllm/issues/44098",
    ),
    "the name with every piece, without an id": Shape(
        each(*(piece(part, index=0, name="f") for part in ("", '{"x"', ": 1}", ""))),
        [("f", A)],
        f"{GITHUB}/maximhq/bifrost/issues/1829",
    ),
    "another id with every piece": Shape(
        each(piece('{"x"', index=0, id="a", name="f"), piece(": ", index=0, id="b"), piece("1}", index=0, id="c")),
        [("f", A)],
        f"{GITHUB}/vllm-project/vllm/issues/17614",
    ),
    "the id late": Shape(
        each(piece("", index=0, name="f"), piece('{"x"', index=0), piece(": 1}", index=0, id="a")),
        [("f", A)],
        f"{GITHUB}/QwenLM/Qwen-Agent/pull/943",
    ),
    "the name in one piece, the arguments in the next, no ids": Shape(
        each(piece(None, name="f"), piece('{"x"'), piece(": 1}")),
        [("f", A)],
        f"{GITHUB}/continuedev/continue/issues/5508",
    ),
    "a piece that came twice": Shape(
        each(
            piece("", index=0, id="a", name="f"), piece('{"x"', index=0), piece('{"x"', index=0), piece(": 1}", index=0)
        ),
        [("f", A)],
        "a proxy that sends an event again",
    ),
    "one id for two calls": Shape(
        each(piece(A, index=0, id="a", name="f"), piece(B, index=1, id="a", name="f")),
        [("f", A), ("f", B)],
        f"{GITHUB}/editor-code-assistant/eca/issues/233",
    ),
    "a call in place of a list of calls": Shape(
        [{"tool_calls": piece(A, index=0, id="a", name="f")}], [("f", A)], f"{GITHUB}/BerriAI/litellm/pull/24095"
    ),
    "name and arguments without `function`": Shape(
        [{"tool_calls": [{"index": 0, "id": "a", "name": "f", "arguments": A}]}],
        [("f", A)],
        f"{GITHUB}/BerriAI/litellm/pull/24095",
    ),
    "the older function_call": Shape(
        [{"function_call": {"name": "f", "arguments": '{"x"'}}, {"function_call": {"arguments": ": 1}"}}],
        [("f", A)],
        "https://platform.openai.com/docs/api-reference/chat/create",
    ),
    "an empty list, null and an empty call": Shape(
        [{"tool_calls": []}, {"tool_calls": None}, {"tool_calls": [{"index": 0}]}, {"tool_calls": [None]}],
        [],
        f"{GITHUB}/The-Vibe-Company/quivr/pull/3514",
    ),
    "no arguments at all": Shape(
        each(piece(None, index=0, id="a", name="f")), [("f", "")], f"{GITHUB}/open-webui/open-webui/pull/22189"
    ),
    "arguments that are the text null": Shape(
        each(piece("null", index=0, id="a", name="f")), [("f", "")], f"{GITHUB}/ogx-ai/ogx/pull/5462"
    ),
}


def event(delta: dict[str, Any]) -> bytes:
    """Return a chunk with a delta, or with a complete message in place of one."""
    choice = delta if "message" in delta else {"delta": delta}
    return json.dumps({"choices": [{"index": 0, **choice}]}).encode()


def read(events: list[bytes]) -> list[AssembledCall]:
    reader, assembly = AnswerReader(), ToolCallAssembly()
    for each_event in events:
        for fragment in reader.read(each_event).tool_calls:
            assembly.take(fragment)
    return assembly.calls()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_calls_have_their_intended_meaning(shape: Shape) -> None:
    assembled = read([event(delta) for delta in shape.deltas])
    assert [(call.name, call.arguments) for call in assembled] == shape.calls, shape.source


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_no_call_is_made_twice_because_an_event_came_twice(shape: Shape) -> None:
    """Only events that differ from the next one: two equal pieces of arguments may both be meant."""
    for index in range(len(shape.deltas)):
        deltas = [*shape.deltas[: index + 1], *shape.deltas[index:]]
        assembled = read([event(delta) for delta in deltas])
        assert len(assembled) == len(shape.calls), (shape.source, index)


def test_the_first_id_stays_and_a_late_one_is_taken() -> None:
    (late,) = read([event(delta) for delta in SHAPES["the id late"].deltas])
    (first,) = read([event(delta) for delta in SHAPES["another id with every piece"].deltas])
    assert (late.call_id, first.call_id) == ("a", "a")


def test_numbers_that_are_equal_as_doubles_are_two_calls() -> None:
    deltas = each(*(piece(f'{{"x": {WEI + n}}}', index=0, name="f") for n in range(2)))
    assert [call.arguments for call in read([event(delta) for delta in deltas])] == [
        f'{{"x": {WEI + n}}}' for n in range(2)
    ]


@pytest.mark.parametrize("size", [1, 100])
def test_endless_arguments_are_refused(size: int) -> None:
    pieces = each(*(piece("x" * size, index=0) for _ in range(2 * ARGUMENTS_MAX_CHARS // size)))
    with pytest.raises(ModelFailure, match="arguments that were too long"):
        read([event(delta) for delta in [*each(piece('{"', index=0, id="a", name="f")), *pieces]])


TEXTS = st.sampled_from(["", "{}", "{", "}", '{"x"', ": 1}", A, B, "null", '"{}"', "[1]", "\\u0000"])
FRAGMENTS = st.fixed_dictionaries(
    {},
    optional={
        "index": st.sampled_from([0, 1, 7, None, "0", -1]),
        "id": st.sampled_from(["", "a", "b", None, 5]),
        "function": st.fixed_dictionaries(
            {}, optional={"name": st.sampled_from(["", "f", "g", "ff", None]), "arguments": TEXTS | st.just({"x": 1})}
        ),
        "extra_content": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    },
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.lists(FRAGMENTS, max_size=3), max_size=8))
def test_any_deltas_are_read_and_no_call_is_invented(deltas: list[list[Fragment]]) -> None:
    assembled = read([event({"tool_calls": fragments}) for fragments in deltas])
    pieces = [fragment for fragments in deltas for fragment in fragments]
    assert len(assembled) <= len(pieces)
    named = {(fragment.get("function") or {}).get("name") or "" for fragment in pieces}
    assert set("".join(call.name for call in assembled)) <= set("".join(named))  # some servers send a name in pieces
