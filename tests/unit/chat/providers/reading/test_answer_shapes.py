"""The shapes of servers' responses, each with its source: text, reasoning, ends and errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.providers.base import ModelDelta, ModelFailure
from chat.providers.reading.chunks import AnswerReader
from chat.providers.reading.events import DONE, LINE_MAX_BYTES, read_events
from chat.providers.reading.thoughts import TAGS, split_unopened
from tests.made_examples import examples

GITHUB = "https://github.com"
SSE = "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"
BOM = b"\xef\xbb\xbf"


def chunk(delta: Any = None, finish_reason: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, **more}
    return json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode()


def data(event: bytes) -> bytes:
    return b"data: " + event + b"\n\n"


def whole(**message: Any) -> bytes:
    """Return a complete answer in place of a stream."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}, indent=2).encode()


HI = data(chunk({"content": "Hi"}))
STOP = data(chunk({}, "stop"))
END = data(DONE)


class Shape(NamedTuple):
    """The bytes of an answer, the reply and the reasoning in them, and the source."""

    sent: bytes
    text: str
    reasoning: str
    source: str


ANSWERS: dict[str, Shape] = {
    "as the protocol has it": Shape(
        data(chunk({"role": "assistant", "content": ""})) + HI + STOP + END,
        "Hi",
        "",
        "https://platform.openai.com/docs/api-reference/chat/streaming",
    ),
    "empty events": Shape(b"data:\n\ndata: \n\n" + HI + b"data\n\n" + STOP + END, "Hi", "", SSE),
    "null events": Shape(
        data(b"null") + HI + data(b"null") + STOP + END, "Hi", "", f"{GITHUB}/Growth-Circle/cadis/issues/997"
    ),
    "a byte order mark": Shape(BOM + HI + STOP + END, "Hi", "", SSE),
    "a byte order mark and an empty line": Shape(BOM + b"\n" + HI + STOP + END, "Hi", "", SSE),
    "ends of lines as on Windows": Shape((HI + STOP + END).replace(b"\n", b"\r\n"), "Hi", "", SSE),
    "ends of lines as on old Macs": Shape((HI + STOP + END).replace(b"\n", b"\r"), "Hi", "", SSE),
    "comments, ids, names and times": Shape(
        b": OPENROUTER PROCESSING\n\nid: 1\nevent: message\nretry: 5\n" + HI + STOP + END,
        "Hi",
        "",
        "https://openrouter.ai/docs/api-reference/streaming",
    ),
    "an event over several lines": Shape(
        b'data: {"choices":\ndata: [{"delta": {"content": "Hi"}}]}\n\n' + STOP + END, "Hi", "", SSE
    ),
    "no space after the colon": Shape((HI + STOP + END).replace(b"data: ", b"data:"), "Hi", "", SSE),
    "no empty line at the end": Shape(HI + STOP[:-1], "Hi", "", "servers that forget it"),
    "a last event that broke off": Shape(HI + STOP + b'data: {"usage": {"prom', "Hi", "", SSE),
    "junk behind the end": Shape(HI + STOP + END + b"data: {oops\n\n\xff\xfe", "Hi", "", SSE),
    "junk behind the finish reason": Shape(
        HI + STOP + b"data: {oops\n\n", "Hi", "", "proxies that add a page of theirs"
    ),
    "a complete answer": Shape(whole(content="Hi"), "Hi", "", f"{GITHUB}/Amm1rr/WebAI-to-API/issues/55"),
    "a complete answer in an event": Shape(
        data(json.dumps(json.loads(whole(content="Hi"))).encode()), "Hi", "", f"{GITHUB}/Amm1rr/WebAI-to-API/issues/55"
    ),
    "a complete answer after its deltas": Shape(
        HI + data(json.dumps(json.loads(whole(content="Hi"))).encode()) + END,
        "Hi",
        "",
        f"{GITHUB}/swuecho/chat/issues/687",
    ),
    "messages that grow": Shape(
        b"".join(
            data(json.dumps({"choices": [{"message": {"content": text}}]}).encode()) for text in ("H", "Hi", "Hi.")
        )
        + STOP,
        "Hi.",
        "",
        f"{GITHUB}/swuecho/chat/issues/687",
    ),
    "parts": Shape(
        data(chunk({"content": [{"type": "text", "text": "H"}, {"type": "image_url", "image_url": {}}, "i"]})) + STOP,
        "Hi",
        "",
        f"{GITHUB}/symfony/ai/issues/2422",
    ),
    "parts of which some are thoughts": Shape(
        data(chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]})) + HI + STOP,
        "Hi",
        "Hm",
        f"{GITHUB}/BerriAI/litellm/issues/16272",
    ),
    "a complete answer in parts": Shape(
        whole(content=[{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}]),
        "Hi",
        "Hm",
        f"{GITHUB}/simonw/llm-mistral/pull/39",
    ),
    "reasoning_content": Shape(
        data(chunk({"reasoning_content": "H", "content": None}))
        + data(chunk({"reasoning_content": "m", "content": ""}))
        + data(chunk({"reasoning_content": None, "content": "Hi"}))
        + STOP,
        "Hi",
        "Hm",
        "https://api-docs.deepseek.com/guides/thinking_mode",
    ),
    "reasoning under two names": Shape(
        data(chunk({"reasoning": "Hm", "reasoning_content": "Hm"})) + HI + STOP,
        "Hi",
        "Hm",
        f"{GITHUB}/Aider-AI/aider/issues/3086",
    ),
    "reasoning_details": Shape(
        data(chunk({"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}]})) + HI + STOP,
        "Hi",
        "Hm",
        f"{GITHUB}/logancyang/obsidian-copilot/pull/1954",
    ),
    "a refusal": Shape(
        data(chunk({"refusal": "I will not."})) + STOP,
        "I will not.",
        "",
        "https://platform.openai.com/docs/guides/structured-outputs",
    ),
    "two finish reasons": Shape(
        HI + data(chunk({}, "tool_calls")) + STOP + END, "Hi", "", f"{GITHUB}/RayBytes/ChatMock/pull/114"
    ),
    "an error behind the end": Shape(
        HI + STOP + data(b'{"error": {"code": 500}}'), "Hi", "", "what breaks then takes nothing from the answer"
    ),
    "chunks of no matter": Shape(
        data(b"{}") + data(b'{"choices": []}') + data(b'{"choices": [null]}') + data(chunk()) + HI + STOP,
        "Hi",
        "",
        f"{GITHUB}/Growth-Circle/cadis/issues/997",
    ),
    "a chunk in a list": Shape(data(b"[" + chunk({"content": "Hi"}) + b"]") + STOP, "Hi", "", "Gemini's gateways"),
    "halves of a surrogate pair": Shape(
        data(b'{"choices":[{"delta":{"content":"\\ud83d"}}]}') + STOP, "\ud83d", "", "models that write bytes"
    ),
}


async def _read(pieces: list[bytes]) -> ModelDelta:
    async def arriving() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    total, reader = ModelDelta(), AnswerReader()
    async for events in read_events(arriving()):
        for event in events[: events.index(DONE)] if DONE in events else events:
            try:
                result = reader.read(event)
            except ModelFailure:
                if total.finish_reason:
                    break
                raise
            total = total._replace(
                text=total.text + result.text,
                reasoning=total.reasoning + result.reasoning,
                finish_reason=result.finish_reason or total.finish_reason,
                prompt_tokens=result.prompt_tokens or total.prompt_tokens,
            )
        if DONE in events:
            break
    return total


def read(*pieces: bytes) -> ModelDelta:
    return asyncio.run(_read(list(pieces)))


@pytest.mark.parametrize("shape", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_has_its_intended_meaning(shape: Shape) -> None:
    result = read(shape.sent)
    assert (result.text, result.reasoning) == (shape.text, shape.reasoning), shape.source
    assert result.finish_reason


@pytest.mark.parametrize("shape", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_the_same_however_it_is_cut(shape: Shape) -> None:
    for size in (1, 2, 3, 7, 64):
        result = read(*(shape.sent[at : at + size] for at in range(0, len(shape.sent), size)))
        assert (result.text, result.reasoning) == (shape.text, shape.reasoning), (shape.source, size)


def test_a_complete_answer_counts_its_tokens() -> None:
    assert read(whole(content="Hi")).prompt_tokens == 3


@pytest.mark.parametrize("mark", [b"", BOM])
def test_tokens_counted_within_the_choice(mark: bytes) -> None:
    """https://platform.moonshot.ai/docs/api/chat: the usage is in the last choice of a stream."""
    assert read(mark, HI, data(chunk({}, "stop", usage={"prompt_tokens": 7}))).prompt_tokens == 7


FAILURES: dict[str, tuple[bytes, bool, str]] = {
    "an error": (HI + data(b'{"error": {"message": "secret"}}'), False, ""),
    "an error with a status that passes": (HI + data(b'{"error": {"code": 503}}'), True, "http_503"),
    "an error with a status that does not": (HI + data(b'{"error": {"code": "400"}}'), False, "http_400"),
    "an error next to an empty choice": (
        HI + data(b'{"choices":[{"delta":{}}],"error":{"code":429}}'),
        True,
        "http_429",
    ),
    # https://openrouter.ai/docs/api-reference/errors-and-debugging
    "an error within a choice": (HI + data(chunk({"content": ""}, "error", error={"code": 502})), True, "http_502"),
    "the finish reason error": (HI + data(chunk({"content": ""}, "error")), False, ""),
    # https://api-docs.deepseek.com/api/create-chat-completion
    "no resources": (HI + data(chunk({}, "insufficient_system_resource")), False, ""),
    "an error as text": (HI + data(b'{"error": "overloaded"}'), False, ""),
    "an error of another form": (HI + data(b'{"object": "error", "message": "x", "code": 500}'), True, "http_500"),
    "an event named error": (HI + b'event: error\ndata: {"message": "x", "code": 500}\n\n', True, "http_500"),
    # llama.cpp's server
    "a field named error": (HI + b'error: {"code": 500, "message": "x"}\n\n', True, "http_500"),
    "an error in place of a stream": (b'{"error": {"code": 429}}', True, "http_429"),
    "an error in a list": (b'[{"error": {"code": 400}}]', False, "http_400"),
    "nested 1,500 deep": (HI + data(b'{"choices":' + b"[" * 1500 + b"]" * 1500 + b"}"), False, ""),
    "nested 100,000 deep": (HI + data(b"[" * 100_000), False, ""),
    "not JSON": (HI + data(b"{oops"), False, ""),
    "a content that is a number": (HI + data(chunk({"content": 5})), False, ""),
    "a page": (b"<html>", True, ""),
}


@pytest.mark.parametrize(("sent", "is_transient", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_distinguished_from_an_incomplete_answer(sent: bytes, is_transient: bool, reason: str) -> None:
    with pytest.raises(ModelFailure) as raised:
        read(sent)
    assert raised.value.is_transient is is_transient
    assert raised.value.reason == reason or not reason
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "sent", [b"data: " + b"x" * LINE_MAX_BYTES, b"data: x\n" * (LINE_MAX_BYTES // 2), b'{"a":' + b" " * 9_000_000]
)
def test_buffers_are_limited(sent: bytes) -> None:
    with pytest.raises(ModelFailure, match="too long|too many"):
        read(*(sent[at : at + 65_536] for at in range(0, len(sent), 65_536)), b"xx")


THOUGHTS: dict[str, tuple[str, str, str]] = {
    **{f"within {tag}": (f"{tag}\nHm\n{close}\n\nHi", "Hi", "\nHm\n") for tag, close in TAGS.items()},
    "in capitals, after white space": ("\n <THINK>Hm</Think>Hi", "Hi", "Hm"),
    "twice": ("<think>a</think>\n<think>b</think>Hi", "Hi", "ab"),
    "without an end": ("<think>Hm, so", "", "Hm, so"),
    "empty, as Qwen3 does without thinking": ("<think>\n\n</think>\n\nHi", "Hi", "\n\n"),
    "later in the text: not a thought": ("Use <think>x</think> so.", "Use <think>x</think> so.", ""),
    "in code: not a thought": ("`<think>x</think>`", "`<think>x</think>`", ""),
    "another tag": ("<thin>x</thin>", "<thin>x</thin>", ""),
    "the beginning of a tag alone": ("<thi", "<thi", ""),
    "white space alone": ("  ", "  ", ""),
    "an inequality": ("< 5 is small", "< 5 is small", ""),
    "no tag": (" Hi ", " Hi ", ""),
}


@pytest.mark.parametrize(("reply", "text", "thought"), THOUGHTS.values(), ids=THOUGHTS)
def test_thoughts_are_not_part_of_the_reply(reply: str, text: str, thought: str) -> None:
    """Cut at every place, and into single characters."""
    cuts = [[reply[:at], reply[at:]] for at in range(len(reply) + 1)] + [list(reply)]
    for pieces in cuts:
        result = read(*(data(chunk({"content": piece})) for piece in pieces), STOP)
        assert (result.text, result.reasoning) == (text, thought), pieces


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Hm, so.\n</think>\n\nHi", "Hi"),
        ("</think>\n\nHi", "Hi"),
        ("Close it with </think> then.", "Close it with </think> then."),
        ("```\n<think>\nx\n</think>\n```", "```\n<think>\nx\n</think>\n```"),
        ("`x`\n</think>\ny", "`x`\n</think>\ny"),
        ("Hi", "Hi"),
    ],
)
def test_a_thought_whose_opening_tag_is_the_templates(reply: str, text: str) -> None:
    """https://github.com/vllm-project/vllm/issues/13125: the template writes the opening tag."""
    assert split_unopened(reply)[0] == text


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["stop", "error"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "tool_calls", "function", "error", "usage", "index", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(ODD, max_size=4))
def test_any_response_is_read_or_refused(values: list[Any]) -> None:
    try:
        result = read(HI, *(data(json.dumps(value).encode()) for value in values))
    except ModelFailure:
        return
    assert result.text.startswith("Hi")


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=6))
def test_any_bytes_are_read_or_refused(pieces: list[bytes]) -> None:
    try:
        read(*pieces)
    except ModelFailure:
        return
