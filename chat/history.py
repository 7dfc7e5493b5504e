"""The prompt: preamble, as much of the history as the budget holds, and the current message."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from apps_registry.tools.arguments import read_arguments
from apps_registry.tools.base import ToolError
from chat.events import ChatMessage, ToolCall
from chat.fence import fenced
from sessions_app.values import StoredMessage

# Bytes of UTF-8 a token, on average over languages and tokenizers; asking a tokenizer would need the
# vocabulary of every provider's model.
BYTES_PER_TOKEN = 3.5
MESSAGE_TOKENS = 8  # role and separators
NAME_MAX_CHARS = 64
_NOT_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
SUMMARY_INTRODUCTION = "(Summary of the earlier part of this conversation, which is left out here.)\n"


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
) -> list[ChatMessage]:
    """Return the messages to send to the model.

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
    prompt: list[ChatMessage] = [{"role": "system", "content": preamble}] if preamble else []
    if summary:
        # Not in the system message: what it tells of was said by the user, by tools and by the model.
        prompt.append({"role": "user", "content": SUMMARY_INTRODUCTION + summary})
    for turn in [*reversed(earlier), now]:
        prompt += _chat_messages(turn, with_tools=with_tools)
    return prompt


def assistant_message(text: str, calls: Sequence[ToolCall]) -> dict[str, Any]:
    """Return the protocol's message for an answer with its tool calls."""
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": _function(call),
            }
            for call in calls
        ]
    return message


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
    content = fenced(call_id, result) + (f"\n{note}" if note else "")
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def summary_cost(summary: str) -> int:
    """Return about how many tokens a summary takes in a prompt; 0 for none."""
    return MESSAGE_TOKENS + estimate_tokens(SUMMARY_INTRODUCTION + summary) if summary else 0


def message_cost(message: StoredMessage) -> int:
    """Return about how many tokens a message takes in a prompt."""
    return MESSAGE_TOKENS + estimate_tokens(message.content) + estimate_tokens(message.tool_arguments)


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


def _chat_messages(turn: Sequence[StoredMessage], *, with_tools: bool) -> Iterator[ChatMessage]:
    """Yield a turn's messages; the tool calls of one round belong to one assistant message before its results."""
    rounds: dict[int, list[ToolCall]] = {}
    for message in turn:
        if message.role == "tool":
            call = ToolCall(message.tool_call_id, message.tool_name, message.tool_arguments)
            rounds.setdefault(message.tool_round, []).append(call)
    announced: set[int] = set()
    for message in turn:
        calls = rounds.get(message.tool_round, []) if with_tools and message.tool_round else []
        if message.role in {"user", "system"}:
            # Templates of many models take a system message only at the beginning.
            yield {"role": "user", "content": message.content}
        elif message.role == "agent" and (message.content or calls):
            announced.add(message.tool_round)
            yield assistant_message(message.content, calls)
        elif message.role == "tool" and with_tools:
            if message.tool_round not in announced:
                announced.add(message.tool_round)
                yield assistant_message("", calls)
            yield tool_message(message.tool_call_id, message.content)
