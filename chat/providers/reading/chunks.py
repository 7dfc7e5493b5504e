"""Parses the events of one answer: text, reasoning, tool calls, finish reason, token counts and errors."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from chat.providers.base import ModelDelta, ModelFailure, ToolCallDelta
from chat.providers.reading.json_values import UNREADABLE, load_exactly
from chat.providers.reading.thoughts import ThoughtFilter
from chat.providers.reading.tool_calls import has_object_arguments, read_pieces

NOTHING: dict[str, Any] = {}
NO_DELTA = ModelDelta()
# The fields that we read. All others are kept for the provider, which may require them back.
PLAIN = frozenset({"role", "content", "refusal"})
KNOWN = PLAIN | {"tool_calls", "function_call"}
REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
# Finish reasons that mean a failure of the server: OpenRouter; Zhipu; vLLM and SGLang; DeepSeek.
FAILED = frozenset({"error", "network_error", "abort", "insufficient_system_resource"})
REPORTED = "The model reported an error while it answered."
TRANSIENT_CODES = frozenset({408, 409, 429})  # and every 5xx
# The server refuses the model's tool call; Groq's documentation recommends a retry.
CALL_FAILED = "tool_use_failed"
# The limit of an answer's text, with reasoning; the engine ends a reply much earlier.
SAID_MAX_CHARS = 4_000_000


class AnswerReader:
    """Parses the events of one answer in order."""

    def __init__(self) -> None:
        self._thoughts = ThoughtFilter()
        self._said: list[str] = []
        self._length = 0
        self._has_deltas = False
        self._is_text = False  # the reply has started, in deltas, so the next chunk is most likely more text
        self._seen: set[str] = set()
        self._reasoning_field: str | None = None
        self._has_halves = False  # some servers split surrogate pairs
        self._half = ""

    def read(self, event: bytes) -> ModelDelta:
        """Parse an event.

        Raises:
            ModelFailure: the event reports an error or has an unknown form.
        """
        try:
            try:
                chunk = orjson.loads(event)
            except orjson.JSONDecodeError:
                chunk, self._has_halves = load_exactly(event), True
            delta = self._chunk(chunk, event)
            return self._paired(delta) if self._has_halves else delta
        except (TypeError, ValueError, AttributeError, KeyError, IndexError):
            raise ModelFailure(UNREADABLE) from None

    def _paired(self, delta: ModelDelta) -> ModelDelta:
        """Prepend the half character that the previous chunk ended with, and hold back one at this chunk's end."""
        text = self._half + delta.text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" and not delta.finish_reason else ""
        return delta._replace(text=text[: len(text) - len(self._half)])

    def _chunk(self, chunk: Any, event: bytes) -> ModelDelta:
        if type(chunk) is not dict:
            return self._odd_chunk(chunk, event)
        choices = chunk.get("choices")
        if not choices or chunk.get("error"):
            return _without_choice(chunk)
        choice = choices[0] or NOTHING
        finish_reason = choice.get("finish_reason") or ""
        if finish_reason in FAILED or choice.get("error"):
            raise reported_failure(choice.get("error"))
        delta = choice.get("delta") or NOTHING
        usage = chunk.get("usage") or choice.get("usage")
        if self._is_text and len(delta) == 1 and not (finish_reason or usage):
            content = delta.get("content")
            if type(content) is str and self._length < SAID_MAX_CHARS:  # nearly all chunks
                self._said.append(content)
                self._length += len(content)
                return ModelDelta(content)
        if not delta and choice.get("text"):  # the older completions protocol
            delta = {"content": choice["text"]}
        if not delta and choice.get("message"):
            parsed = self._message(choice["message"], event)
        elif not delta.keys() <= PLAIN:
            parsed = self._delta(delta, event)
        else:
            self._has_deltas = self._has_deltas or bool(delta)
            text, reasoning = self._text(delta.get("content"), delta)
            parsed = ModelDelta(text, (), "", None, None, reasoning) if text or reasoning else NO_DELTA
        if finish_reason or usage:
            parsed = self._ended(parsed, str(finish_reason), usage or NOTHING)
        return parsed

    def _odd_chunk(self, chunk: Any, event: bytes) -> ModelDelta:
        """Parse a chunk that is not an object: null is empty, and a list may contain one object."""
        if chunk is None:
            return NO_DELTA
        if isinstance(chunk, list) and len(chunk) == 1 and isinstance(chunk[0], dict):
            return self._chunk(chunk[0], event)
        raise TypeError("a chunk is not an object")

    def _delta(self, delta: Mapping[str, Any], event: bytes) -> ModelDelta:
        """Parse a fragment of a message that has more than text."""
        self._has_deltas = True
        text, reasoning = self._text(delta.get("content"), delta)
        calls = _calls(delta, event)
        extra = {name: value for name, value in delta.items() if name not in KNOWN and value not in (None, "", [], {})}
        self._seen.update(extra)
        return ModelDelta(text, calls, "", None, None, reasoning or self._reasoning(delta), extra or None)

    def _message(self, message: Mapping[str, Any], event: bytes) -> ModelDelta:
        """Parse a whole message in place of a fragment; return what it adds to the fragments before it."""
        had_deltas, before, seen = self._has_deltas, "".join(self._said), frozenset(self._seen)
        content, reasoning = _content(message.get("content") or message.get("refusal"))
        if content.startswith(before):
            content = content[len(before) :]
        elif had_deltas:  # it repeats the fragments in another form
            content = ""
        text, thought = self._text(content, NOTHING)
        calls = _calls(message, event, is_restated=True)
        extra = {
            name: value
            for name, value in message.items()
            if name not in KNOWN and name not in seen and value not in (None, "", [], {})
        }
        self._seen.update(extra)
        new_reasoning = (reasoning or thought or self._reasoning(message)) if not seen else thought
        return ModelDelta(text, calls, "", None, None, new_reasoning, extra or None)

    def _reasoning(self, message: Mapping[str, Any]) -> str:
        """Return the reasoning in a separate field; some servers send it in several fields, so use only the first."""
        for name in REASONING_FIELDS if self._reasoning_field is None else (self._reasoning_field,):
            value = message.get(name)
            words = _details_text(value) if name == "reasoning_details" else value
            if words and isinstance(words, str):
                self._reasoning_field = name
                return words
        return ""

    def _text(self, content: Any, delta: Mapping[str, Any]) -> tuple[str, str]:
        """Return the reply text and the reasoning in `content`."""
        if not content:
            content = delta.get("refusal")
            if not content:
                return "", ""
        if type(content) is str:
            text, reasoning = content, ""
        else:
            text, reasoning = _content(content)
        self._said.append(text)
        self._length += len(text)
        if self._length > SAID_MAX_CHARS:
            raise ModelFailure("The model's answer was too long.")
        if self._thoughts.is_over:
            return text, reasoning
        text, thought = self._thoughts.take(text)
        self._is_text = self._has_deltas and self._thoughts.is_over
        return text, reasoning + thought

    def _ended(self, parsed: ModelDelta, finish_reason: str, usage: Mapping[str, Any]) -> ModelDelta:
        """Add a finish reason and token counts to a parsed chunk."""
        if finish_reason:
            text, thought = self._thoughts.end()
            parsed = parsed._replace(
                text=parsed.text + text, reasoning=parsed.reasoning + thought, finish_reason=finish_reason
            )
        if usage:
            tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
            parsed = parsed._replace(prompt_tokens=tokens[0], completion_tokens=tokens[1])
        return parsed


def reported_failure(error: Any) -> ModelFailure:
    """Return a failure for an error within an answer, without the server's words, which may quote the prompt."""
    while isinstance(error, dict) and isinstance(error.get("error"), dict):
        error = error["error"]
    code = str((error.get("code") or error.get("status")) if isinstance(error, dict) else "")
    status = int(code) if len(code) == 3 and code.isascii() and code.isdigit() else 0
    is_transient = status >= 500 or status in TRANSIENT_CODES or code == CALL_FAILED
    return ModelFailure(REPORTED, is_transient=is_transient, reason=f"http_{status}" if status >= 400 else "")


def _without_choice(chunk: Mapping[str, Any]) -> ModelDelta:
    """Parse a chunk without a choice: token counts, an error, or something to ignore."""
    error = chunk.get("error")
    if error or chunk.get("object") == "error" or chunk.get("type") == "error":
        raise reported_failure(error if error else chunk)
    usage = chunk.get("usage")
    if not usage:
        return NO_DELTA
    return ModelDelta("", (), "", usage.get("prompt_tokens"), usage.get("completion_tokens"))


def _content(content: Any) -> tuple[str, str]:
    """Return the text and the reasoning of `content`, which is a text or a list of parts."""
    if isinstance(content, str):
        return content, ""
    if content is None:
        return "", ""
    parts: Sequence[Any] = content if isinstance(content, list) else [content]
    if not all(isinstance(part, str | dict) for part in parts):
        raise TypeError("a content is neither a text nor parts")
    texts = [part if isinstance(part, str) else part.get("text") for part in parts]
    thoughts = [_content(part.get("thinking"))[0] for part in parts if isinstance(part, dict) and part.get("thinking")]
    return "".join(text for text in texts if isinstance(text, str)), "".join(thoughts)


def _details_text(details: Any) -> Any:
    """Return the text of reasoning that comes in parts, some of which are encrypted."""
    if not isinstance(details, list):
        return ""
    texts = (entry.get("text") or entry.get("summary") for entry in details if isinstance(entry, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _calls(message: Mapping[str, Any], event: bytes, *, is_restated: bool = False) -> tuple[ToolCallDelta, ...]:
    calls = message.get("tool_calls")
    if not calls:
        legacy = message.get("function_call")
        return read_pieces({"function": legacy}, is_restated=is_restated) if legacy else ()
    if has_object_arguments(calls):  # orjson rounds integers beyond 64 bits, such as amounts of crypto tokens
        calls = _exact_calls(event) or calls
    return read_pieces(calls, is_restated=is_restated)


def _exact_calls(event: bytes) -> Any:
    chunk = load_exactly(event)
    choice = (chunk[0] if isinstance(chunk, list) else chunk)["choices"][0]
    return (choice.get("delta") or choice["message"]).get("tool_calls")
