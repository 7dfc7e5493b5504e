"""Responses that call tools."""

import json

from tests.model_server import DONE, Reply, chunk
from tests.seen.shapes import CALLS_END, SUM, Called, called, half, part

CALLS: dict[str, Called] = {
    "the name is the text null, later": Called(
        "github.com/BerriAI/litellm/issues/12513",
        called(
            part("calculate", half(0), id="chatcmpl-tool-1", type="FUNCTION"),
            part("null", half(1), id="", type="FUNCTION"),
        ),
        [("calculate", json.loads(SUM))],
    ),
    "the name is empty, first": Called(
        "github.com/vercel/ai/pull/16507",
        called(part("", "", id="call_1"), part("calculate", half(0)), part("", half(1))),
        [("calculate", json.loads(SUM))],
    ),
    "the name comes with each piece": Called(
        "github.com/NousResearch/hermes-agent/pull/11984",
        called(
            part("calculate", "", id="call_1"),
            part("calculate", half(0), id="call_1"),
            part("calculate", half(1), id="call_1"),
        ),
        [("calculate", json.loads(SUM))],
    ),
    "the name comes in pieces": Called(
        "github.com/openai/openai-agents-python/issues/326",
        called(part("calc", "", id="call_1"), part("ulate", ""), part(None, SUM)),
        [("calculate", json.loads(SUM))],
    ),
    "the index is within the function": Called(
        "github.com/open-webui/open-webui/pull/15823",
        Reply(
            [
                chunk(
                    {
                        "tool_calls": [
                            {"function": {"index": 0, "name": "calculate", "arguments": {"expression": "1 + 1"}}},
                            {"function": {"index": 1, "name": "calculate", "arguments": {"expression": "2 + 2"}}},
                        ]
                    },
                    "stop",
                ),
                DONE,
            ]
        ),
        [("calculate", {"expression": "1 + 1"}), ("calculate", {"expression": "2 + 2"})],
    ),
    "the index is a text": Called(
        "github.com/ollama/ollama/issues/7881",
        called(part("calculate", half(0), id="call_1", index="0"), part(None, half(1), index="0")),
        [("calculate", json.loads(SUM))],
    ),
    "the id is a number": Called(
        "a guess; no report was found",
        called(part("calculate", half(0), id=17), part(None, half(1), id=17)),
        [("calculate", json.loads(SUM))],
    ),
    "the call of the old kind": Called(
        "github.com/can1357/oh-my-pi/pull/1692",
        Reply(
            [
                chunk({"content": None, "function_call": {"name": "calculate", "arguments": ""}}),
                chunk({"function_call": {"arguments": half(0)}}),
                chunk({"function_call": {"arguments": half(1)}}),
                chunk({}, "function_call"),
                DONE,
            ]
        ),
        [("calculate", json.loads(SUM))],
    ),
    "arguments are null": Called(
        "github.com/pipecat-ai/pipecat/issues/4059",
        called({"index": 0, "id": "call_1", "function": {"name": "current_time", "arguments": None}}),
        [("current_time", {})],
    ),
    "arguments are the text null": Called(
        "github.com/vllm-project/vllm/issues/43851",
        called(part("current_time", "null", id="call_1")),
        [("current_time", {})],
    ),
    "arguments are missing": Called(
        "github.com/vllm-project/vllm/issues/28806",
        called(part("current_time", id="call_1")),
        [("current_time", {})],
    ),
    "each piece holds all arguments so far": Called(
        "github.com/NousResearch/hermes-agent/pull/35718",
        called(
            part("calculate", SUM[:9], id="call_1"),
            part("calculate", SUM[:18], id="call_1"),
            part("calculate", SUM, id="call_1"),
            part("calculate", SUM, id="call_1"),
        ),
        [("calculate", json.loads(SUM))],
    ),
    "pieces that repeat the end of what was said": Called(
        "github.com/alibaba/spring-ai-alibaba/pull/4772",
        called(
            part("calculate", '{"expression": "', id="call_1"),
            *[part(None, piece) for piece in ("1", "0", "0", "0", " + 1", '"', "}")],
        ),
        [("calculate", {"expression": "1000 + 1"})],
    ),
    "the finish reason is stop": Called(
        "github.com/BerriAI/litellm/issues/12862",
        called(part("calculate", SUM, id="call_1"), finish="stop"),
        [("calculate", json.loads(SUM))],
    ),
    "empty finish reasons between the pieces": Called(
        "github.com/adolfousier/opencrabs/pull/1499",
        Reply(
            [
                chunk({"tool_calls": [part("calculate", half(0), id="call_1")]}, ""),
                chunk({"tool_calls": [part(None, half(1))]}, ""),
                CALLS_END,
                DONE,
            ]
        ),
        [("calculate", json.loads(SUM))],
    ),
    "a channel of gpt-oss behind the name": Called(
        "github.com/vllm-project/vllm/pull/32633",
        called(part("calculate<|channel|>commentary", SUM, id="call_1")),
        [("calculate", json.loads(SUM))],
    ),
    "a namespace before the name": Called(
        "github.com/odysseus-dev/odysseus/issues/4522",
        called(part("functions.calculate", SUM, id="functions.calculate:0")),
        [("calculate", json.loads(SUM))],
    ),
    "one call an index, each after its text": Called(
        "github.com/ollama/ollama/issues/15457",
        Reply(
            [
                chunk({"content": "I add.", "tool_calls": [part("calculate", SUM, id="call_a")]}),
                chunk({"tool_calls": [part("calculate", SUM, id="call_b")]}),
                CALLS_END,
                DONE,
            ]
        ),
        [("calculate", json.loads(SUM)), ("calculate", json.loads(SUM))],
    ),
    "arguments with a thought signature between": Called(
        "ai.google.dev/gemini-api/docs/thought-signatures",
        called(
            part("calculate", SUM, id="function-call-1", extra_content={"google": {"thought_signature": "c2ln"}}),
            part("calculate", '{"expression": "2 + 2"}', id="function-call-2"),
        ),
        [("calculate", json.loads(SUM)), ("calculate", {"expression": "2 + 2"})],
    ),
    "the arguments are cut by the limit": Called(
        "github.com/vllm-project/vllm/issues/53269",
        Reply([chunk({"tool_calls": [part("calculate", half(0), id="call_1")]}), chunk({}, "length"), DONE]),
        [("calculate", {"unreadable": half(0)})],
        works=False,
    ),
    "a name with its count": Called(
        "huggingface.co/moonshotai/Kimi-K2-Instruct (tool_call_guidance)",
        called(part("functions.calculate:0", half(0), id="functions.calculate:0"), part(None, half(1))),
        [("calculate", json.loads(SUM))],
    ),
}
