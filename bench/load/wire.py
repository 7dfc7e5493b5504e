"""Defines what the model server sends and the load generator expects."""

import orjson

# A typical chunk of a large provider has about 250 bytes for four or five characters of text.
PIECES = [f"piece {number:02d} of the answer, " for number in range(20)]
REPLY = "".join(PIECES)
PROMPT_TOKENS, COMPLETION_TOKENS = 120, len(PIECES)
# The last of these in a prompt tells the model server how long to wait before its first chunk.
DELAY_MARK = "think for ms:"


def message_text(number: int, delay_ms: int) -> str:
    """Return a user message that is unique in its session and makes the model wait for that long."""
    return f"question {number} {DELAY_MARK}{delay_ms};"


def model_chunks() -> list[bytes]:
    """Return the server-sent events of one reply, as an OpenAI-compatible server with usage sends them."""
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in PIECES)]
    chunks = [_chunk([_choice(delta)]) for delta in deltas]
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
    last = [_chunk([_choice({}, "stop")]), _chunk([], {**usage, "total_tokens": sum(usage.values())})]
    return [*chunks, *last, b"data: [DONE]\n\n"]


def _choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _chunk(choices: list[dict[str, object]], usage: dict[str, int] | None = None) -> bytes:
    head = {"id": "chatcmpl-C9vPAXq1vXyQzT0m3ZsWkUeRb7Yd", "object": "chat.completion.chunk", "created": 1795400000}
    common = {**head, "model": "bench-model", "service_tier": "default", "system_fingerprint": "fp_560af6e559"}
    return b"data: " + orjson.dumps({**common, "choices": choices, "usage": usage}) + b"\n\n"
