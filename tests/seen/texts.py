"""Text replies."""

import gzip

from tests.model_server import DONE, Reply, chunk, says, sse
from tests.seen.shapes import HELLO, JSON, STOP, STREAM, Told, answer, choices, error, stream

TEXTS: dict[str, Told] = {
    "delta is null at the end": Told(
        "github.com/microsoft/agent-framework/pull/5734",
        stream(HELLO, choices({"index": 0, "delta": None, "finish_reason": "stop"})),
    ),
    "no delta at the end": Told(
        "github.com/osaurus-ai/osaurus/pull/2150", stream(HELLO, choices({"index": 0, "finish_reason": "stop"}))
    ),
    "choices are null next to usage": Told(
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
    "the whole text so far next to each delta": Told(
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
        "rfc-editor.org/rfc/rfc8259#section-7",
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
        "github.com/Simpleyyt/ai-manus/issues/101",
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
