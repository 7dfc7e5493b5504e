"""Assembles one answer of a model while it streams in."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps_registry.support.text.outside_text import storable_json_text
from chat.events import RoundEnded, ToolCall
from chat.issuers import Issuer, portable_id, size_of
from chat.providers.base import ModelDelta, ModelFailure
from chat.providers.reading.thoughts import split_unopened
from chat.providers.reading.tool_calls import AssembledCall, ToolCallAssembly
from chat.providers.reading.verbatim import REASONING_TEXTS, VERBATIM_MAX_BYTES, Verbatim

CALL_ID_MAX_CHARS = 100  # the limit of its column; other providers get another id, so the length matters to no one else
REPLY_MAX_CHARS = 1_000_000
REASONING_MAX_CHARS = 64_000


@dataclass(slots=True)
class Answer:
    """One answer of the model while it streams in.

    Attributes:
        is_full: whether the text has reached the limit of a reply; the rest is not read.
    """

    text: list[str] = field(default_factory=list)
    length: int = 0
    reasoning: list[str] = field(default_factory=list)
    reasoning_length: int = 0
    calls: ToolCallAssembly = field(default_factory=ToolCallAssembly)
    verbatim: Verbatim | None = None
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    is_full: bool = False

    def take(self, delta: ModelDelta) -> str:
        """Add a chunk and return its text."""
        text = delta.text
        if text:
            self.length += len(text)
            if self.length > REPLY_MAX_CHARS:
                text = self._fill(text)
            self.text.append(text)
        for piece in delta.tool_calls:
            self.calls.take(piece)
        if delta.reasoning:
            self._take_reasoning(delta.reasoning)
        if delta.extra:
            self.verbatim = self.verbatim or Verbatim()
            self.verbatim.add(delta.extra)
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.prompt_tokens = delta.prompt_tokens or self.prompt_tokens
        self.completion_tokens = delta.completion_tokens or self.completion_tokens
        return text

    def ended(self, round_number: int, *, issuer: Issuer, turn: str) -> RoundEnded:
        """Return the whole answer; raises ModelFailure if the stream ended early."""
        if not self.finish_reason:
            raise ModelFailure("The model's answer broke off before its end.", is_transient=True)
        text, thought = split_unopened("".join(self.text))
        calls, extra = self._with_extras()
        ids = [call.call_id for call in calls]
        tool_calls = tuple(
            ToolCall(
                _unique_id(ids, index, turn, round_number), call.name, storable_json_text(call.arguments), call.extra
            )
            for index, call in enumerate(calls)
        )
        if not text and not tool_calls:
            raise ModelFailure(self._empty_answer_error(thought))
        return RoundEnded(
            round_number,
            text,
            tool_calls,
            self.finish_reason,
            self.prompt_tokens,
            self.completion_tokens,
            issuer,
            extra,
            "".join(self.reasoning) + thought,
        )

    def _fill(self, text: str) -> str:
        """End the answer and return the part of a text that still fits; the text so far is kept."""
        self.is_full, self.finish_reason = True, "length"
        return text[: REPLY_MAX_CHARS - (self.length - len(text))]

    def _take_reasoning(self, reasoning: str) -> None:
        if self.reasoning_length < REASONING_MAX_CHARS:
            self.reasoning.append(reasoning[: REASONING_MAX_CHARS - self.reasoning_length])
            self.reasoning_length += len(reasoning)

    def _with_extras(self) -> tuple[list[AssembledCall], dict[str, Any] | None]:
        """Return the calls and the message's extra fields; over the size limit, those of calls take precedence."""
        bytes_left = VERBATIM_MAX_BYTES
        calls = []
        for call in self.calls.calls():
            size = size_of(call.extra)
            calls.append(call if size <= bytes_left else replace(call, extra=None))
            bytes_left -= size if size <= bytes_left else 0
        extra = self.verbatim.whole() if self.verbatim else None
        if extra and not calls:  # providers want plain reasoning back only with tool calls, and it fills the prompt
            extra = {name: value for name, value in extra.items() if name not in REASONING_TEXTS}
        return calls, extra if extra and size_of(extra) <= bytes_left else None

    def _empty_answer_error(self, thought: str) -> str:
        content = "nothing but reasoning" if self.reasoning or thought else "nothing"
        return f"The model answered with {content} (finish reason: {self.finish_reason[:40]})."


def _unique_id(ids: Sequence[str], index: int, turn: str, round_number: int) -> str:
    """Return the model's id of a call, or our own if that is missing, too long or already used in the round."""
    model_id = ids[index]
    is_usable = 0 < len(model_id) <= CALL_ID_MAX_CHARS and model_id not in ids[:index]
    return model_id if is_usable else portable_id(f"{turn} {round_number} {index}")
