"""The prompt: preamble, as much of the history as the budget holds, and the current message."""

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

# Bytes of UTF-8 a token, on average over languages and tokenizers; asking a tokenizer would need the
# vocabulary of every provider's model.
BYTES_PER_TOKEN = 3.5
MESSAGE_TOKENS = 8  # role and separators
NAME_MAX_CHARS = 64
_NOT_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
SUMMARY_INTRODUCTION = "(Summary of the earlier part of this conversation, which is left out here.)\n"
SUMMARY_END = "\n(End of the summary.)"  # the user's own words follow in the same message


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said, as far as it is told to one model otherwise than to another.

    Attributes:
        turn: the turn that it is of, as text.
        round_number: which answer of the turn.
        calls, results: the tools that it called, and what they answered.
        notes: ours, by the place of the call whose result it follows.
        issuer: who said it; None: not known.
        extra: fields of the message that the protocol does not know.
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
        """Yield the protocol's messages for one that is asked.

        What the issuer sent along goes back to it and to no other; its ids go back to its provider.
        """
        is_issuer, is_provider = to == self.issuer, self.issuer is not None and to.provider == self.issuer.provider
        extra = self.extra if is_issuer and self.extra else {}
        message: dict[str, Any] = {**extra, "role": "assistant", "content": self.text or None}
        ids = [call.call_id if is_provider else self._portable(call.call_id) for call in self.calls]
        if self.calls:
            calls = zip(self.calls, ids, strict=True)
            message["tool_calls"] = [_call(call, call_id, is_issuer=is_issuer) for call, call_id in calls]
        yield message
        for place, (call_id, result) in enumerate(zip(ids, self.results, strict=True)):
            yield tool_message(call_id, result, note=self.notes.get(place, ""))

    def _portable(self, call_id: str) -> str:
        return call_id if is_portable(call_id) else portable_id(f"{self.turn} {self.round_number} {call_id}")


PromptMessage = ChatMessage | Said


def told(messages: Sequence[PromptMessage], to: Issuer) -> list[ChatMessage]:
    """Return a prompt's messages as they are sent to one that is asked."""
    sent: list[ChatMessage] = []
    for message in messages:
        if isinstance(message, Said):
            sent += message.messages(to)
        else:
            sent.append(message)
    return sent


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text takes, by its bytes."""
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
    """Return the messages to send to the model: the system's first, then user and assistant in turns.

    Args:
        preamble: always sent, unless empty.
        messages: the session's messages, in order, without those that the summary covers.
        current: the turn to be answered; its messages come last and are always sent.
        budget_tokens: what earlier turns may take together; whole turns, newest first.
        with_tools: whether the model understands tool calls; if not, earlier ones are left out.
        summary: what was said before these messages, if it has been summarised; sent when the budget holds it.
    """
    now: list[StoredMessage] = []
    earlier: list[list[StoredMessage]] = []
    cost = summary_cost(summary)
    summary = summary if cost <= budget_tokens else ""
    left = budget_tokens - (cost if summary else 0)
    for turn in turns_newest_first(messages):
        if turn[0].turn_id == current:
            now = [*turn, *now]
        elif left >= 0:
            left -= sum(message_cost(message) for message in turn)
            earlier += [turn] if left >= 0 else []
        elif now and now[0].role == "user":  # the rest of a long history is not even looked at
            break
    entries: list[Entry] = []
    if summary:
        # Not in the system message: what it tells of was said by the user, by tools and by the model.
        entries.append(Entry("user", SUMMARY_INTRODUCTION + summary + SUMMARY_END))
    for turn in [*reversed(earlier), now]:
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
    """Return the function of a call as a prompt's history holds it.

    Some servers refuse for good a history with a name that no tool could have, or with arguments that they cannot
    read; what the call's result says of them is there nevertheless.
    """
    name = _NOT_OF_A_NAME.sub("_", call.name)[:NAME_MAX_CHARS] or "unnamed"
    try:
        read_arguments(call.arguments)
    except ToolError:
        return {"name": name, "arguments": json.dumps({"unreadable": call.arguments})}
    return {"name": name, "arguments": call.arguments or "{}"}


def tool_message(call_id: str, result: str, *, note: str = "") -> dict[str, Any]:
    """Return the protocol's message for a tool's result, marked as data that nobody vouches for; `note` is ours."""
    content = fenced(TOOL_DATA, call_id, result) + (f"\n{note}" if note else "")
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def summary_cost(summary: str) -> int:
    """Return about how many tokens a summary takes in a prompt; 0 for none."""
    return MESSAGE_TOKENS + estimate_tokens(SUMMARY_INTRODUCTION + summary + SUMMARY_END) if summary else 0


def message_cost(message: StoredMessage) -> int:
    """Return about how many tokens a message takes in a prompt."""
    cost = MESSAGE_TOKENS + estimate_tokens(message.content) + estimate_tokens(message.tool_arguments)
    return cost + int(message.extra_bytes / BYTES_PER_TOKEN) if message.extra else cost


def turns_newest_first(messages: Sequence[StoredMessage]) -> Iterator[list[StoredMessage]]:
    """Yield the messages of each turn, the newest turn first."""
    turn: list[StoredMessage] = []
    for message in reversed(messages):
        if turn and message.turn_id != turn[-1].turn_id:
            yield turn[::-1]
            turn = []
        turn.append(message)
    if turn:
        yield turn[::-1]


def _entries(turn: Sequence[StoredMessage], *, with_tools: bool) -> Iterator[Entry]:
    """Yield what a turn's messages say; the tool calls of one round belong to one assistant message."""
    rounds: dict[int, list[StoredMessage]] = {}
    for message in turn:
        if message.role == "tool" and with_tools:
            rounds.setdefault(message.tool_round, []).append(message)
    for message in turn:
        if message.role in {"user", "system"}:
            # Templates of many models take a system message only at the beginning.
            yield Entry("user", message.content)
            continue
        calls = rounds.pop(message.tool_round, []) if message.tool_round else []
        if calls or (message.role == "agent" and message.content):
            yield _assistant_entry(message, calls)


def _assistant_entry(message: StoredMessage, calls: Sequence[StoredMessage]) -> Entry:
    """Return the answer that begins with a message: with its text, or with its first call."""
    issuer = next(filter(None, (stored_issuer(each.extra) for each in (message, *calls))), None)
    return Entry(
        "assistant",
        message.content if message.role == "agent" else "",
        tuple(stored_call(each) for each in calls),
        tuple(each.content for each in calls),
        str(message.turn_id),
        message.tool_round,
        issuer,
        message.extra.get("fields") if message.extra else None,
    )


def stored_call(message: StoredMessage) -> ToolCall:
    """Return the call whose result a message is."""
    extra = message.extra.get("call") if message.extra else None
    return ToolCall(message.tool_call_id, message.tool_name, message.tool_arguments, extra)


def _prompt_message(entry: Entry) -> PromptMessage:
    if entry.role == "user":
        return {"role": "user", "content": entry.text}
    if not entry.calls and not entry.extra:
        return {"role": "assistant", "content": entry.text}
    return Said(
        entry.turn,
        entry.round_number,
        entry.text,
        entry.calls,
        entry.results,
        issuer=entry.issuer,
        extra=entry.extra,
    )
