"""What the tables of answers are made of: what an answer is to mean, and the bytes of one."""

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
    """An answer that is a text. `replies` are all that the provider is asked for."""

    source: str
    replies: Sequence[Reply]
    text: str = "Hello."


@dataclass
class Called:
    """An answer that calls tools: with these names and arguments, which work or (`works`) do not."""

    source: str
    reply: Reply
    calls: list[tuple[str, Any]]
    works: bool = True


@dataclass
class Failed:
    """No answer: what the client reads of it, and how often the provider may be asked."""

    source: str
    reply: Reply
    detail: str
    at_most: int = 3


def stream(*parts: bytes) -> list[Reply]:
    return [Reply([*parts, DONE])]


def answer(message: dict[str, Any], finish_reason: str = "stop", **headers: str) -> list[Reply]:
    """A complete answer in place of a stream."""
    body = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    return [Reply([json.dumps(body).encode()], headers={**JSON, **headers})]


def choices(*listed: Any, **more: Any) -> bytes:
    return sse({"object": "chat.completion.chunk", "choices": list(listed), **more})


def error(message: str, http_status: int, *, wrapped: bool = False, **more: Any) -> Reply:
    body: Any = {"error": {"message": message, **more}}
    return Reply([json.dumps([body] if wrapped else body).encode()], status=http_status, headers=JSON)


def called(*fragments: Any, finish: str | None = "tool_calls") -> Reply:
    """A stream of fragments of calls: one event each; a list is one event of several."""
    events = [chunk({"tool_calls": part if isinstance(part, list) else [part]}) for part in fragments]
    return Reply([*events, chunk({}, finish), DONE])


def part(name: str | None = None, arguments: Any = None, *, index: Any = 0, **more: Any) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    function = {key: value for key, value in given.items() if value is not None}
    return {"index": index, "function": function, **more}


def half(number: int) -> str:
    return (SUM[:9], SUM[9:])[number]
