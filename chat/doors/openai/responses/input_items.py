"""Reads the items of a request: messages for a new turn, or the answers that a turn waits for."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chat.doors.openai.call_ids import APPROVAL, read_call_id
from chat.doors.openai.conversation import Conversation, read_conversation, text_of
from chat.doors.openai.errors import InvalidParameter, UnsupportedType
from chat.turns.pausing.questions import result_text
from sessions_app.questions import Answer
from sessions_app.values import StoredMessage

# Tuples, because an item's type may be any JSON, which a set may be unable to look up.
ANSWERS = ("function_call_output", "mcp_approval_response")
# Items of earlier responses that clients send back, and that the server already has or does not need.
ECHOED = ("reasoning", "mcp_approval_request")
NO_CONVERSATION = Conversation("", (), None)


@dataclass(frozen=True, slots=True)
class Input:
    """The input of a request.

    Attributes:
        items: the items, each with its type.
        conversation: the messages; if there are answers, it has no message to answer.
        answers: the answers with which the input ends, each with the session whose turn waits for it.
    """

    items: Sequence[Mapping[str, Any]]
    conversation: Conversation
    answers: Sequence[tuple[UUID, Answer]] = ()


def read_input(content: Sequence[Mapping[str, Any]]) -> Input:
    """Read an input.

    Raises:
        InvalidParameter: an item cannot be read, or the last one is neither the user's nor an answer.
    """
    items = [{"type": "message", **item} for item in content]
    first = len(items)
    while first and items[first - 1]["type"] in ANSWERS:
        first -= 1
    if first < len(items):
        answers = [_answer(items[index], f"input[{index}]") for index in range(first, len(items))]
        return Input(items[first:], NO_CONVERSATION, answers)
    return Input(items, read_conversation(_messages(items, "input"), "input"))


def brought_messages(items: Sequence[Mapping[str, Any]]) -> list[StoredMessage]:
    """Return items as messages to store in a session.

    Raises:
        InvalidParameter: an item cannot be read, or gives instructions, which are not part of a conversation here.
    """
    messages = _messages([{"type": "message", **item} for item in items], "items")
    end = {"role": "user", "content": ""}  # a conversation must end with a user's message; only those before it count
    read = read_conversation([*messages, end], "items")
    if read.instructions:
        raise InvalidParameter("items", "send system and developer messages as `instructions` of each response")
    return to_store(read.history)


def to_store(messages: Sequence[StoredMessage]) -> list[StoredMessage]:
    """Return copies of messages that belong to no turn."""
    now = datetime.now(UTC)
    return [replace(message, id=uuid.uuid4(), turn_id=None, created_at=now, extra=None) for message in messages]


def answered_questions(items: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the questions that these items answer."""
    return {answer.question_id for _, answer in (_answer(item, "input") for item in items)}


def _answer(item: Mapping[str, Any], where: str) -> tuple[UUID, Answer]:
    if item["type"] == "mcp_approval_response":
        named = read_call_id(str(item.get("approval_request_id")), APPROVAL)
        if named is None:
            raise InvalidParameter(f"{where}.approval_request_id", "there is no request for approval with this id")
        if not isinstance(approve := item.get("approve"), bool):
            raise InvalidParameter(f"{where}.approve", "it is neither true nor false")
        return named[0], Answer.to_confirmation(named[1], is_approved=approve)
    named = read_call_id(str(item.get("call_id")))
    if named is None:
        raise InvalidParameter(f"{where}.call_id", "no response has a call with this id")
    return named[0], Answer.to_client_tool(named[1], result_text(text_of(item.get("output"), f"{where}.output")))


def _messages(items: Sequence[Mapping[str, Any]], param: str) -> list[dict[str, Any]]:
    """Return items as messages of the chat completions protocol, in which calls are part of a message."""
    messages: list[dict[str, Any]] = []
    call_ids: set[str] = set()
    for index, item in enumerate(items):
        where = f"{param}[{index}]"
        match item["type"]:
            case "message":
                text = text_of(item.get("content"), f"{where}.content")
                messages.append({"role": item.get("role"), "content": text})
            case "function_call":
                call_ids.add(str(item.get("call_id")))
                _add_call(messages, item)
            case "function_call_output":
                if str(item.get("call_id")) not in call_ids:
                    problem = "no earlier item has this call; outputs that a turn waits for must come last"
                    raise InvalidParameter(f"{where}.call_id", problem)
                messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item.get("output")})
            case "mcp_approval_request":
                call_ids.add(str(item.get("id")))
            case "mcp_approval_response" if str(item.get("approval_request_id")) in call_ids:
                pass
            case "mcp_approval_response":
                problem = "an answer that a turn waits for must come last, without a message"
                raise InvalidParameter(where, problem)
            case kind if kind not in ECHOED:
                raise UnsupportedType(f"{where}.type", kind, "send messages, calls and their outputs")
    return messages


def _add_call(messages: list[dict[str, Any]], item: Mapping[str, Any]) -> None:
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": ""})
    messages[-1].setdefault("tool_calls", []).append(call)
