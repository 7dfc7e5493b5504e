"""Answers of model providers as people have reported them, each with its source and what it means.

A line is added here whenever a provider answers in a way that the product misreads.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.model_server import DONE, Reply, chunk, says, sse

STREAM = {"Content-Type": "text/event-stream"}
JSON = {"Content-Type": "application/json"}
HELLO = chunk({"content": "Hello."})
STOP = chunk({}, "stop")
CALLS_END = chunk({}, "tool_calls")
SUM = '{"expression": "1 + 1"}'


@dataclass
class Told:
    """An answer that is a text. `replies` are all that the provider is asked for."""

    source: str
    replies: Sequence[Reply]
    text: str = "Hello."


@dataclass
class Called:
    """An answer that calls tools: with these names and arguments, which work or (`works`) do not."""

    source: str
    reply: Reply
    calls: list[tuple[str, Any]]
    works: bool = True


@dataclass
class Failed:
    """No answer: what the client reads of it, and how often the provider may be asked."""

    source: str
    reply: Reply
    detail: str
    at_most: int = 3


def stream(*parts: bytes) -> list[Reply]:
    return [Reply([*parts, DONE])]


def answer(message: dict[str, Any], finish_reason: str = "stop", **headers: str) -> list[Reply]:
    """A complete answer in place of a stream."""
    body = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    return [Reply([json.dumps(body).encode()], headers={**JSON, **headers})]


def choices(*listed: Any, **more: Any) -> bytes:
    return sse({"object": "chat.completion.chunk", "choices": list(listed), **more})


def error(message: str, http_status: int, *, wrapped: bool = False, **more: Any) -> Reply:
    body: Any = {"error": {"message": message, **more}}
    return Reply([json.dumps([body] if wrapped else body).encode()], status=http_status, headers=JSON)


def called(*fragments: Any, finish: str | None = "tool_calls") -> Reply:
    """A stream of fragments of calls: one event each; a list is one event of several."""
    events = [chunk({"tool_calls": part if isinstance(part, list) else [part]}) for part in fragments]
    return Reply([*events, chunk({}, finish), DONE])


def part(name: str | None = None, arguments: Any = None, *, index: Any = 0, **more: Any) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    function = {key: value for key, value in given.items() if value is not None}
    return {"index": index, "function": function, **more}


def half(number: int) -> str:
    return (SUM[:9], SUM[9:])[number]


TEXTS: dict[str, Told] = {
    "delta is null at the end": Told(
        "github.com/microsoft/agent-framework/pull/5734",
        stream(HELLO, choices({"index": 0, "delta": None, "finish_reason": "stop"})),
    ),
    "no delta at the end": Told(
        "github.com/osaurus-ai/osaurus/pull/2150", stream(HELLO, choices({"index": 0, "finish_reason": "stop"}))
    ),
    "choices are null beside usage": Told(
        "github.com/cline/cline/pull/8527",
        stream(HELLO, STOP, sse({"choices": None, "usage": {"prompt_tokens": 3, "completion_tokens": 1}})),
    ),
    "usage is null, or not a number, in every chunk": Told(
        "github.com/Alex2772/kuni/pull/64",
        stream(
            chunk({"content": "Hello."}, usage=None),
            chunk({}, "stop", usage={"prompt_tokens": None, "completion_tokens": "1", "total_tokens": 4.0}),
        ),
    ),
    "filter results before and between": Told(
        "learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming",
        stream(
            sse({"id": "", "object": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
            HELLO,
            choices({"index": 0, "finish_reason": None, "content_filter_offsets": {"start_offset": 1}}),
            STOP,
        ),
    ),
    "an empty finish reason in every chunk": Told(
        "github.com/ollama/ollama/issues/4357",
        stream(chunk({"content": "Hel"}, ""), chunk({"content": "lo."}, ""), chunk({}, "stop")),
    ),
    "a finish reason of the model's own": Told(
        "github.com/spring-projects/spring-ai/pull/4900", stream(HELLO, chunk({}, "eos_token"))
    ),
    "a finish reason in capitals": Told(
        "github.com/tidyverse/ellmer/issues/3", stream(HELLO, chunk({"content": ""}, "STOP"))
    ),
    "finish reason tool_calls without a call": Told(
        "github.com/vllm-project/vllm/pull/25054", stream(HELLO, chunk({"tool_calls": []}, "tool_calls"))
    ),
    "tool_calls are null in every chunk": Told(
        "github.com/BerriAI/litellm/issues/12481",
        stream(chunk({"content": "Hello.", "tool_calls": None, "function_call": None, "audio": None}), STOP),
    ),
    "lines end in CR LF and no space follows the colon": Told(
        "github.com/miruamel/xuan/issues/194",
        [Reply([(HELLO + STOP + DONE).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")])],
    ),
    "lines end in CR": Told(
        "github.com/assistant-ui/assistant-ui/pull/4819", [Reply([(HELLO + STOP + DONE).replace(b"\n", b"\r")])]
    ),
    "the last event has no empty line after it": Told(
        "github.com/miruamel/xuan/issues/194", [Reply([HELLO, STOP.rstrip(b"\n")])]
    ),
    "an event over several data lines": Told(
        "html.spec.whatwg.org/multipage/server-sent-events.html",
        stream(
            b'event: message\nid: 1\nretry: 10\ndata: {"choices":\ndata: [{"delta": {"content":"Hello."}}]}\n\n', STOP
        ),
    ),
    "comments and pings": Told(
        "github.com/openai/openai-go/issues/227",
        stream(b": OPENROUTER PROCESSING\n\n" * 3, b'event: ping\ndata: {"type": "ping"}\n\n', HELLO, b":\n\n", STOP),
    ),
    "the whole text so far beside each delta": Told(
        "github.com/open-webui/open-webui/issues/9927",
        stream(
            choices({"index": 0, "message": {"content": "Hel"}, "delta": {"content": "Hel"}, "finish_reason": None}),
            choices({"index": 0, "message": {"content": "Hello."}, "delta": {"content": "lo."}, "finish_reason": None}),
            choices({"index": 0, "message": {"content": "Hello."}, "delta": {"content": ""}, "finish_reason": "stop"}),
        ),
    ),
    "the whole message at the end": Told(
        "github.com/abundantbeing/hermes-browser-extension/issues/11",
        stream(
            chunk({"content": "Hel"}),
            chunk({"content": "lo."}),
            choices({"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}),
        ),
    ),
    "the text of a completion": Told(
        "github.com/xorbitsai/inference/pull/1215",
        stream(choices({"index": 0, "text": "Hel"}), choices({"index": 0, "text": "lo.", "finish_reason": "stop"})),
    ),
    "a refusal in the stream": Told(
        "github.com/langchain4j/langchain4j/issues/5813",
        stream(chunk({"content": None, "refusal": "I can't "}), chunk({"refusal": "help."}), STOP),
        text="I can't help.",
    ),
    "a refusal in a complete answer": Told(
        "github.com/openclaw/openclaw/pull/102349",
        answer({"role": "assistant", "content": None, "refusal": "I can't help."}),
        text="I can't help.",
    ),
    "a complete answer that says it is a stream": Told(
        "github.com/ding113/claude-code-hub/pull/1132",
        answer({"role": "assistant", "content": "Hello."}, **STREAM),
    ),
    "a complete answer in one event": Told(
        "github.com/ding113/claude-code-hub/pull/1132",
        stream(choices({"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"})),
    ),
    "thoughts in parts": Told(
        "github.com/BerriAI/litellm/issues/16272",
        stream(
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "A greeting"}]}]}),
            chunk({"content": [{"type": "thinking", "thinking": "so I greet"}, {"type": "text", "text": "Hel"}]}),
            chunk({"content": "lo."}),
            STOP,
        ),
    ),
    "reasoning as a string, a list and an object": Told(
        "github.com/anima-research/animachat/pull/129",
        stream(
            chunk({"content": "", "reasoning": "I think"}),
            chunk({"content": "", "reasoning": [{"text": "hard"}]}),
            chunk({"reasoning": {"text": "so"}, "reasoning_content": None}),
            HELLO,
            STOP,
        ),
    ),
    "a thought that the template opened": Told(
        "github.com/ggml-org/llama.cpp/issues/11861",
        stream(
            chunk({"content": "A greeting.\n</th"}), chunk({"content": "ink>\n\nHel"}), chunk({"content": "lo."}), STOP
        ),
    ),
    "channels of gpt-oss": Told(
        "github.com/kekzl/imp/pull/768",
        stream(
            chunk({"content": "<|channel|>analysis<|mess"}),
            chunk({"content": "age|>A greeting.<|end|><|start|>assistant"}),
            chunk({"content": "<|channel|>final<|message|>Hel"}),
            chunk({"content": "lo.<|return|>"}),
            STOP,
        ),
    ),
    "halves of an emoji in two chunks": Told(
        "github.com/elie222/rakazo/issues/416",
        stream(
            b'data: {"choices":[{"delta":{"content":"Hello \\ud83d"}}]}\n\n',
            b'data: {"choices":[{"delta":{"content":"\\ude00"}}]}\n\n',
            STOP,
        ),
        text="Hello \N{GRINNING FACE}",
    ),
    "half an emoji alone": Told(
        "github.com/Kohaku-Lab/KohakuTerrarium/pull/48",
        stream(b'data: {"choices":[{"delta":{"content":"Hello.\\udcaf"}}]}\n\n', STOP),
        text="Hello.\N{REPLACEMENT CHARACTER}",
    ),
    "NUL in the text": Told(
        "github.com/ggml-org/llama.cpp (byte tokens)",
        stream(chunk({"content": "Hel\x00lo."}), STOP),
        text="Hel\N{REPLACEMENT CHARACTER}lo.",
    ),
    "compressed though nobody asked": Told(
        "github.com/BerriAI/litellm/issues/12513",
        [Reply([gzip.compress(HELLO + STOP + DONE)], headers={**STREAM, "Content-Encoding": "gzip"})],
    ),
    "a refused field, within a list": Told(
        "github.com/SuzumiyaAkizuki/ComfyUI-NewBie-LLM-Formatter/issues/3",
        [
            error(
                'Invalid JSON payload received. Unknown name "stream_options": Cannot find field.',
                400,
                wrapped=True,
                code=400,
                status="INVALID_ARGUMENT",
            ),
            says("Hello", "."),
        ],
    ),
    "too many requests, within a list": Told(
        "github.com/google-gemini/gemini-cli/issues/5472",
        [error("Resource exhausted.", 429, wrapped=True, code=429, status="RESOURCE_EXHAUSTED"), says("Hello.")],
    ),
    "a call that the provider itself found wrong": Told(
        "github.com/groq/groq-typescript/issues/28",
        [
            error(
                "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
                400,
                type="invalid_request_error",
                code="tool_use_failed",
                failed_generation="<function=calculate{}",
            ),
            says("Hello."),
        ],
    ),
    "a call that the provider found wrong, in the stream": Told(
        "github.com/BerriAI/litellm/issues/40566",
        [
            Reply(
                [b"event: error\n" + sse({"error": {"message": "Failed to call", "code": "tool_use_failed"}}), DONE],
            ),
            says("Hello."),
        ],
    ),
    "a call that does not fit the tool, says the provider": Told(
        "github.com/HunorLaczko/ha-groq-cloud-api/issues/20",
        [
            error(
                "tool call validation failed: parameters for tool 'calculate' did not match schema",
                400,
                type="invalid_request_error",
                code="tool_use_failed",
            ),
            says("Hello."),
        ],
    ),
    "an error in place of a stream, with 200": Told(
        "github.com/diegosouzapw/OmniRoute/pull/8210",
        [Reply([b'{"error": {"message": "Worker limit reached", "code": 502}}'], headers=JSON), says("Hello.")],
    ),
}


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
        "github.com/run-llama/llama_index (local servers)",
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
        "github.com/vllm-project/vllm/pull/32633",
        called(part("functions.calculate:0", half(0), id="functions.calculate:0"), part(None, half(1))),
        [("calculate", json.loads(SUM))],
    ),
}


FAILURES: dict[str, Failed] = {
    "a field named error": Failed(
        "github.com/ggml-org/llama.cpp/pull/16109",
        Reply([b'error: {"code":400,"message":"SECRET the request exceeds","type":"invalid_request_error"}\n\n', DONE]),
        "error",
    ),
    "an event named error with the message alone": Failed(
        "github.com/openai/openai-node/pull/2021",
        Reply([b'event: error\ndata: {"message": "SECRET", "code": "server_error"}\n\n', DONE]),
        "error",
    ),
    "an error that is a text": Failed(
        "github.com/bigduu/Bamboo-agent/pull/98", Reply([sse({"error": "SECRET quota exceeded"}), DONE]), "error"
    ),
    "an error after half of the answer": Failed(
        "github.com/goai/pull/110",
        Reply([HELLO, b"event: error\n" + sse({"error": {"message": "SECRET Compute error."}, "message": "x"})]),
        "error",
        at_most=1,
    ),
    "nothing at all": Failed(
        "github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2339",
        Reply([sse({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}}), DONE]),
        "",
    ),
    "a page of a proxy": Failed(
        "developers.cloudflare.com/support/troubleshooting/http-status-codes",
        Reply([b"<html><title>SECRET Sign in</title></html>"], headers={"Content-Type": "text/html"}),
        "not a chat completion",
    ),
    "a redirect": Failed(
        "github.com/ollama/ollama/issues (http to https)",
        Reply(status=308, headers={"Location": "https://other.example.com/v1/chat/completions"}),
        "308",
    ),
    "what the filter refuses": Failed(
        "github.com/compl-ai/compl-ai/issues/20",
        error(
            "SECRET The response was filtered due to the prompt triggering a content management policy.",
            400,
            type=None,
            param="prompt",
            code="content_filter",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
        "filter",
        at_most=1,
    ),
}
