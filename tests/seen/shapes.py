"""Building blocks of the tables: the expected meaning of a response, and its bytes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.model_server import DONE, Reply, chunk, sse

STREAM = {"Content-Type": "text/event-stream"}
JSON = {"Content-Type": "application/json"}
HELLO = chunk({"content": "Hello."})
STOP = chunk({}, "stop")
CALLS_END = chunk({}, "tool_calls")
SUM = '{"expression": "1 + 1"}'


@dataclass
class Told:
    """A text reply. `replies` are all responses of the provider."""

    source: str
    replies: Sequence[Reply]
    text: str = "Hello."


@dataclass
class Called:
    """A reply that calls tools with these names and arguments, which succeed or (`works`) fail."""

    source: str
    reply: Reply
    calls: list[tuple[str, Any]]
    works: bool = True


@dataclass
class Failed:
    """No reply: what the client reads instead, and how many requests the provider may get."""

    source: str
    reply: Reply
    detail: str
    at_most: int = 3


def stream(*parts: bytes) -> list[Reply]:
    return [Reply([*parts, DONE])]


def answer(message: dict[str, Any], finish_reason: str = "stop", **headers: str) -> list[Reply]:
    """Return a complete response instead of a stream."""
    body = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    return [Reply([json.dumps(body).encode()], headers={**JSON, **headers})]


def choices(*listed: Any, **more: Any) -> bytes:
    return sse({"object": "chat.completion.chunk", "choices": list(listed), **more})


def error(message: str, http_status: int, *, wrapped: bool = False, **more: Any) -> Reply:
    body: Any = {"error": {"message": message, **more}}
    return Reply([json.dumps([body] if wrapped else body).encode()], status=http_status, headers=JSON)


def called(*fragments: Any, finish: str | None = "tool_calls") -> Reply:
    """Return a stream of call fragments: one event each; a list becomes one event with several."""
    events = [chunk({"tool_calls": part if isinstance(part, list) else [part]}) for part in fragments]
    return Reply([*events, chunk({}, finish), DONE])


def part(name: str | None = None, arguments: Any = None, *, index: Any = 0, **more: Any) -> dict[str, Any]:
    fields = {"name": name, "arguments": arguments}
    function = {key: value for key, value in fields.items() if value is not None}
    return {"index": index, "function": function, **more}


def half(number: int) -> str:
    return (SUM[:9], SUM[9:])[number]
