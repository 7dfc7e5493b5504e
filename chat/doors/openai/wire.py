"""The JSON of completions and of their chunks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chat.doors.openai.call_ids import make_call_id
from chat.wire.sessions import Citation
from sessions_app.open_calls import OpenCall

REASONS = frozenset({"stop", "length", "content_filter"})
BETWEEN_ROUNDS = "\n\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a turn.

    Attributes:
        question: the part of the text that asks for a confirmation; it is not streamed with the reply.
        calls: the calls of the caller's tools that the turn waits for.
        prompt_tokens, completion_tokens: of this answer, as the provider counted them; 0 if it did not.
    """

    text: str
    question: str = ""
    finish_reason: str = "stop"
    calls: Sequence[OpenCall] = ()
    citations: Sequence[Citation] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def usage(self) -> dict[str, int]:
        """Return the tokens of this answer, with the calls of the App's tools."""
        total = self.prompt_tokens + self.completion_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": total,
        }


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer to a request, whole or in chunks.

    Attributes:
        round_number: the round at which the request continued the turn; 0 if it began it.
    """

    turn_id: UUID
    session_id: UUID
    model: str
    round_number: int = 0
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return a `chat.completion`."""
        message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
        if reply.calls:
            message |= {"content": reply.text or None, "tool_calls": self._calls(reply)}
        if reply.citations:
            message["citations"] = reply.citations
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
        return {**self._head("chat.completion"), "choices": [choice], "usage": reply.usage()}

    def delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        """Return a `chat.completion.chunk`."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def calls(self, reply: Reply) -> dict[str, Any]:
        """Return the chunk with the calls of the caller's tools."""
        calls = [{"index": index, **call} for index, call in enumerate(self._calls(reply))]
        return self.delta({"tool_calls": calls})

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Return the chunk with the tokens, for clients that ask for it."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": reply.usage()}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self.created, "model": self.model}

    @property
    def _id(self) -> str:
        """The id of the answer: a turn has several if its client answers its questions."""
        return f"chatcmpl-{self.turn_id.hex}" + (f"{self.round_number:04x}" if self.round_number else "")

    def _calls(self, reply: Reply) -> list[dict[str, Any]]:
        return [
            {
                "id": make_call_id(self.session_id, call.confirmation or ""),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.calls
        ]
