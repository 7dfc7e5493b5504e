"""Builds the prompt: preamble, as much history as fits the budget, and the current message."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps_registry.tools.arguments import read_arguments
from apps_registry.tools.base import ToolError
from chat.events import ChatMessage, ToolCall
from chat.issuers import Issuer, is_portable, portable_id, stored_issuer
from chat.prompt.alternation import Entry, alternate
from chat.prompt.fence import TOOL_DATA, fenced
from sessions_app.values import StoredMessage

# UTF-8 bytes per token, on average over languages and tokenizers. Real tokenizers would need the vocabulary of every
# provider's model.
BYTES_PER_TOKEN = 3.5
MESSAGE_TOKENS = 8  # role and separators
NAME_MAX_CHARS = 64
_INVALID_IN_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
SUMMARY_INTRODUCTION = "(Summary of the earlier part of this conversation, which is left out here.)\n"
SUMMARY_END = "\n(End of the summary.)"  # the user's own words follow in the same message


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """An assistant message, whose form on the wire depends on the model that it is sent to.

    Attributes:
        turn: the id of the message's turn, as text.
        round_number: the round of the turn.
        calls, results: the tool calls and their results.
        notes: our notes to append to results, by the call's index.
        issuer: the model that wrote the message; None if unknown.
        extra: fields of the message that are outside the protocol.
    """

    turn: str
    round_number: int
    text: str
    calls: tuple[ToolCall, ...] = ()
    results: tuple[str, ...] = ()
    notes: Mapping[int, str] = field(default_factory=dict)
    issuer: Issuer | None = None
    extra: Mapping[str, Any] | None = None

    def messages(self, to: Issuer) -> Iterator[ChatMessage]:
        """Yield the protocol's messages for the model that they are sent to.

        Extra fields go back to the issuer only; call ids go back to the issuer's provider only.
        """
        is_issuer, is_provider = to == self.issuer, self.issuer is not None and to.provider == self.issuer.provider
        extra = self.extra if is_issuer and self.extra else {}
        message: dict[str, Any] = {**extra, "role": "assistant", "content": self.text or None}
        ids = [call.call_id if is_provider else self._portable(call.call_id) for call in self.calls]
        if self.calls:
            calls = zip(self.calls, ids, strict=True)
            message["tool_calls"] = [_call(call, call_id, is_issuer=is_issuer) for call, call_id in calls]
        yield message
        for index, (call_id, result) in enumerate(zip(ids, self.results, strict=True)):
            yield tool_message(call_id, result, note=self.notes.get(index, ""))

    def _portable(self, call_id: str) -> str:
        return call_id if is_portable(call_id) else portable_id(f"{self.turn} {self.round_number} {call_id}")


PromptMessage = ChatMessage | AssistantMessage


def messages_for(messages: Sequence[PromptMessage], to: Issuer) -> list[ChatMessage]:
    """Return a prompt's messages in the form for the model that they are sent to."""
    sent: list[ChatMessage] = []
    for message in messages:
        if isinstance(message, AssistantMessage):
            sent += message.messages(to)
        else:
            sent.append(message)
    return sent


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text from its length in bytes."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + 1


def build_prompt(
    preamble: str,
    messages: Sequence[StoredMessage],
    current: UUID,
    *,
    budget_tokens: int,
    with_tools: bool,
    summary: str = "",
) -> list[PromptMessage]:
    """Return the messages to send to the model: a system message, then alternating user and assistant messages.

    Args:
        preamble: always sent, unless empty.
        messages: the session's messages, in order, without those that the summary covers.
        current: the turn to answer; its messages come last and are always sent.
        budget_tokens: the budget for all earlier turns; it is spent on whole turns, newest first.
        with_tools: whether the model supports tool calls; if not, earlier calls are left out.
        summary: a summary of the messages before these, if there is one; sent if it fits the budget.
    """
    current_messages: list[StoredMessage] = []
    earlier: list[list[StoredMessage]] = []
    cost = summary_cost(summary)
    summary = summary if cost <= budget_tokens else ""
    left = budget_tokens - (cost if summary else 0)
    for turn in turns_newest_first(messages):
        if turn[0].turn_id == current:
            current_messages = [*turn, *current_messages]
        elif left >= 0:
            left -= sum(message_cost(message) for message in turn)
            earlier += [turn] if left >= 0 else []
        elif current_messages and current_messages[0].role == "user":  # the rest of a long history need not be read
            break
    entries: list[Entry] = []
    if summary:
        # Not a system message: the summary contains text of the user, of tools and of the model.
        entries.append(Entry("user", SUMMARY_INTRODUCTION + summary + SUMMARY_END))
    for turn in [*reversed(earlier), current_messages]:
        entries += _entries(turn, with_tools=with_tools)
    prompt: list[PromptMessage] = [{"role": "system", "content": preamble}] if preamble else []
    return prompt + [_prompt_message(entry) for entry in alternate(entries)]


def _call(call: ToolCall, call_id: str, *, is_issuer: bool) -> dict[str, Any]:
    function: dict[str, Any] = _function(call)
    extra = dict(call.extra) if is_issuer and call.extra else {}
    if isinstance(more := extra.pop("function", None), Mapping):
        function = {**more, **function}
    return {**extra, "id": call_id, "type": "function", "function": function}


def _function(call: ToolCall) -> dict[str, str]:
    """Return a call's function in a form that every server accepts in a history.

    Some servers always refuse a history with an invalid tool name or with arguments that they cannot parse. The call's
    result still tells the model what was wrong.
    """
    name = _INVALID_IN_NAME.sub("_", call.name)[:NAME_MAX_CHARS] or "unnamed"
    try:
        read_arguments(call.arguments)
    except ToolError:
        return {"name": name, "arguments": json.dumps({"unreadable": call.arguments})}
    return {"name": name, "arguments": call.arguments or "{}"}


def tool_message(call_id: str, result: str, *, note: str = "") -> dict[str, Any]:
    """Return the protocol's message for a tool's result, fenced as untrusted data; `note` is our own text."""
    content = fenced(TOOL_DATA, call_id, result) + (f"\n{note}" if note else "")
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def summary_cost(summary: str) -> int:
    """Estimate the tokens of a summary in a prompt; 0 without a summary."""
    return MESSAGE_TOKENS + estimate_tokens(SUMMARY_INTRODUCTION + summary + SUMMARY_END) if summary else 0


def message_cost(message: StoredMessage) -> int:
    """Estimate the tokens of a message in a prompt."""
    cost = MESSAGE_TOKENS + estimate_tokens(message.content) + estimate_tokens(message.tool_arguments)
    return cost + int(message.extra_bytes / BYTES_PER_TOKEN) if message.extra else cost


def turns_newest_first(messages: Sequence[StoredMessage]) -> Iterator[list[StoredMessage]]:
    """Yield the messages of each turn, the newest turn first.

    Messages that a caller has brought belong to no turn: there, each message of the user begins one.
    """
    turn: list[StoredMessage] = []
    for message in reversed(messages):
        if turn and (message.turn_id != turn[-1].turn_id or (message.turn_id is None and turn[-1].role == "user")):
            yield turn[::-1]
            turn = []
        turn.append(message)
    if turn:
        yield turn[::-1]


def _entries(turn: Sequence[StoredMessage], *, with_tools: bool) -> Iterator[Entry]:
    """Yield a turn's messages as entries; the tool calls of one round belong to one assistant message."""
    rounds: dict[int, list[StoredMessage]] = {}
    for message in turn:
        if message.role == "tool" and with_tools:
            rounds.setdefault(message.tool_round, []).append(message)
    for message in turn:
        if message.role in {"user", "system"}:
            # The templates of many models accept a system message at the beginning only.
            yield Entry("user", message.content)
            continue
        calls = rounds.pop(message.tool_round, []) if message.tool_round else []
        if calls or (message.role == "agent" and message.content):
            yield _assistant_entry(message, calls)


def _assistant_entry(message: StoredMessage, calls: Sequence[StoredMessage]) -> Entry:
    """Return an answer as one entry; `message` is its first message: its text or the result of its first call."""
    issuer = next(filter(None, (stored_issuer(stored.extra) for stored in (message, *calls))), None)
    return Entry(
        "assistant",
        message.content if message.role == "agent" else "",
        tuple(stored_call(call) for call in calls),
        tuple(call.content for call in calls),
        str(message.turn_id),
        message.tool_round,
        issuer,
        message.extra.get("fields") if message.extra else None,
    )


def stored_call(message: StoredMessage) -> ToolCall:
    """Return the tool call that a stored tool message belongs to."""
    extra = message.extra.get("call") if message.extra else None
    return ToolCall(message.tool_call_id, message.tool_name, message.tool_arguments, extra)


def _prompt_message(entry: Entry) -> PromptMessage:
    if entry.role == "user":
        return {"role": "user", "content": entry.text}
    if not entry.calls and not entry.extra:
        return {"role": "assistant", "content": entry.text}
    return AssistantMessage(
        entry.turn,
        entry.round_number,
        entry.text,
        entry.calls,
        entry.results,
        issuer=entry.issuer,
        extra=entry.extra,
    )
