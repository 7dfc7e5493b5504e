"""Reads the `messages` of a request: instructions, history, and what the turn must answer."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apps_registry.support.text.outside_text import is_storable, storable
from chat.doors.openai.errors import InvalidParameter, UnsupportedType
from chat.prompt.fence import TOOL_DATA
from sessions_app.values import StoredMessage

MAX_MESSAGES = 2_000
INSTRUCTING = ("system", "developer")
TEXT_PARTS = ("text", "refusal", "input_text", "output_text")
_NAMESPACE = uuid.UUID("7d0a6b0e-6f3c-4b8e-9a61-2f0d7a1b5c34")
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """The result of a call of one of the caller's tools."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of a request.

    Attributes:
        instructions: the texts of system and developer messages.
        history: the messages before the one to answer.
        message: the user's message to answer; None if the request ends with outputs of tools.
        outputs: the tools' outputs at the end.
    """

    instructions: str
    history: Sequence[StoredMessage]
    message: str | None
    outputs: Sequence[ToolOutput] = ()


@dataclass(slots=True)
class _Reader:
    """Converts messages to those that the server stores, which belong to turns: each user message begins a turn."""

    messages: list[StoredMessage] = field(default_factory=list)
    round_number: int = 0
    turn_id: uuid.UUID = field(default_factory=lambda: uuid.uuid5(_NAMESPACE, "0"))
    calls: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, role: str, text: str, **more: Any) -> None:
        number = str(len(self.messages))
        message_id = uuid.uuid5(_NAMESPACE, f"message {number}")
        self.messages.append(StoredMessage(message_id, self.turn_id, role, text, _EPOCH, **more))

    def user(self, text: str) -> None:
        self.turn_id, self.round_number = uuid.uuid5(_NAMESPACE, str(len(self.messages) + 1)), 0
        self.add("user", text)

    def assistant(self, text: str, calls: Mapping[str, tuple[str, str]]) -> None:
        self.round_number += bool(calls)
        self.calls |= calls
        if text:
            self.add("agent", text, tool_round=self.round_number if calls else 0)

    def output(self, output: ToolOutput) -> None:
        name, arguments = self.calls.get(output.call_id, ("", ""))
        call = {"tool_name": name, "tool_call_id": output.call_id[:100], "tool_arguments": arguments}
        self.add("tool", output.text, tool_round=self.round_number, **call)


def read_conversation(messages: Sequence[Mapping[str, Any]], param: str = "messages") -> Conversation:
    """Read the messages of a request.

    Args:
        messages: the messages.
        param: the name of the parameter that holds them.

    Raises:
        InvalidParameter: a message cannot be read, or the last one is neither the user's nor the output of a tool.
    """
    if not messages:
        raise InvalidParameter(param, "it has no message to answer")
    if len(messages) > MAX_MESSAGES:
        raise InvalidParameter(param, f"it has {len(messages)} entries; the limit is {MAX_MESSAGES}")
    instructions: list[str] = []
    reader = _Reader()
    for index, message in enumerate(messages):
        _read(message, f"{param}[{index}]", reader, instructions)
    return _split(reader, "\n\n".join(filter(None, instructions)), param)


def _read(message: Mapping[str, Any], where: str, reader: _Reader, instructions: list[str]) -> None:
    role = message.get("role")
    text = text_of(message.get("content"), f"{where}.content")
    if role in INSTRUCTING:
        instructions.append(text)
    elif role == "user":
        reader.user(text)
    elif role == "assistant":
        reader.assistant(text, dict(_calls(message.get("tool_calls") or [], f"{where}.tool_calls")))
    elif role == "tool":
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str) or call_id not in reader.calls:
            raise InvalidParameter(f"{where}.tool_call_id", "no earlier message has this call")
        reader.output(ToolOutput(call_id, text))
    else:
        raise InvalidParameter(f"{where}.role", "it is not system, developer, user, assistant or tool")


def _split(reader: _Reader, instructions: str, param: str) -> Conversation:
    history = reader.messages
    if history and history[-1].role == "user":
        return Conversation(instructions, _called(history[:-1]), history[-1].content)
    last_calls = len(history)
    # A round of calls need not begin with text, so outputs of several rounds may follow one another.
    while last_calls and (message := history[last_calls - 1]).role == "tool":
        if message.tool_round != history[-1].tool_round:
            break
        last_calls -= 1
    outputs = [ToolOutput(message.tool_call_id, message.content) for message in history[last_calls:]]
    if not outputs:
        raise InvalidParameter(param, "the last message must be the user's, or the output of a tool")
    return Conversation(instructions, _called(history[:last_calls]), None, outputs)


def _called(history: Sequence[StoredMessage]) -> list[StoredMessage]:
    """Return the history with a name for each call, since models refuse a call without a name."""
    return [
        replace(message, tool_name=message.tool_name or TOOL_DATA) if message.role == "tool" else message
        for message in history
    ]


def text_of(content: Any, where: str) -> str:
    """Return the text of a message's content, which is a string or a list of parts.

    Raises:
        InvalidParameter: the content has other parts than text, or cannot be stored.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        text = content
    elif isinstance(content, list):
        text = "\n".join(_part(part, f"{where}[{index}]") for index, part in enumerate(content))
    else:
        raise InvalidParameter(where, "it is neither a string nor a list of parts")
    if storable(text) != text:
        raise InvalidParameter(where, "it has a character that cannot be stored: NUL, or half of a surrogate pair")
    return text


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get("text", part.get("refusal")) if isinstance(part, dict) else None
    if kind in TEXT_PARTS and isinstance(text, str):
        return text
    raise UnsupportedType(where, kind, "send text")


def _calls(calls: Any, where: str) -> Iterator[tuple[str, tuple[str, str]]]:
    if not isinstance(calls, list):
        raise InvalidParameter(where, "it is not a list")
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        call_id = call.get("id") if isinstance(call, dict) else None
        name, arguments = (function.get("name"), function.get("arguments")) if isinstance(function, dict) else (0, 0)
        if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
            raise InvalidParameter(f"{where}[{index}]", "it needs an id, and a function with a name and arguments")
        if not is_storable(call_id):
            raise InvalidParameter(f"{where}[{index}].id", "it has a character that cannot be stored")
        yield call_id, (storable(name)[:64], storable(arguments))
