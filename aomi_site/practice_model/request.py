"""Reads what the practice model needs from a request for a chat completion. Pure functions."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The server puts the results of tools between marks; see chat/prompt/fence.py.
_FENCE = re.compile(r"<tool_data ([0-9a-f]{16})>\n(.*)\n</tool_data \1>", re.DOTALL)


class InvalidRequestError(Exception):
    """The request does not follow the protocol; the message says how."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that the request offers.

    Attributes:
        name: its name.
        properties: the JSON schema of each argument, by name.
        required: the arguments that a call must have.
    """

    name: str
    properties: Mapping[str, Mapping[str, Any]]
    required: Sequence[str]


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's result since the user's last message.

    Attributes:
        name: the tool's name.
        data: the answer as JSON, or as text if it is not JSON.
    """

    name: str
    data: Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a chat completion.

    Attributes:
        instructions: the system messages.
        message: the user's last message.
        results: the results of this turn's tool calls.
        tools: what the model may call.
        earlier: the number of the user's messages before the last one.
    """

    instructions: str
    message: str
    results: Sequence[Result]
    tools: Sequence[Offer]
    earlier: int


def read_request(body: Any) -> Request:
    """Return the parts of a request that the rules use.

    Raises:
        InvalidRequestError: the request does not follow the protocol.
    """
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
        raise InvalidRequestError("'messages' must be a list with at least one message")
    messages = [message for message in body["messages"] if isinstance(message, dict)]
    user_messages = [index for index, message in enumerate(messages) if message.get("role") == "user"]
    last = user_messages[-1] if user_messages else -1
    return Request(
        instructions="\n".join(
            _text(message) for message in messages if message.get("role") in {"system", "developer"}
        ),
        message=_text(messages[last]) if user_messages else "",
        results=list(_results(messages[last + 1 :])),
        tools=[] if body.get("tool_choice") == "none" else list(_offers(body.get("tools"))),
        earlier=max(0, len(user_messages) - 1),
    )


def _text(message: Mapping[str, Any]) -> str:
    """Return a message's text, which may be split into a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _offers(tools: Any) -> Iterator[Offer]:
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            schema = function.get("parameters")
            schema = schema if isinstance(schema, dict) else {}
            properties, required = schema.get("properties"), schema.get("required")
            yield Offer(
                function["name"],
                {name: argument if isinstance(argument, dict) else {} for name, argument in properties.items()}
                if isinstance(properties, dict)
                else {},
                [str(name) for name in required] if isinstance(required, list) else [],
            )


def _results(messages: Sequence[Mapping[str, Any]]) -> Iterator[Result]:
    names: dict[str, str] = {}
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            names[str(call.get("id"))] = str((call.get("function") or {}).get("name"))
        if message.get("role") == "tool":
            yield Result(names.get(str(message.get("tool_call_id")), "the tool"), _data(_text(message)))


def _data(content: str) -> Any:
    fence = _FENCE.search(content)
    text = fence[2] if fence else content
    try:
        return json.loads(text)
    except ValueError:
        return text
