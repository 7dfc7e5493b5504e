"""A real HTTP server on loopback that speaks the chat completions protocol as each test scripts it."""

import asyncio
import json
import re
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.patience import scaled

Part = bytes | float | threading.Event


@dataclass
class Reply:
    """One scripted answer.

    Attributes:
        parts: bytes to send, seconds to pause, or events to wait for, in order.
        then: "close" ends the response properly, "hang" leaves it open, "cut" breaks the connection.
    """

    parts: Sequence[Part] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    then: str = "close"


def chunk(delta: Mapping[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
    """One server-sent event of the protocol."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return sse({"object": "chat.completion.chunk", "choices": [choice], **more})


def sse(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def says(*pieces: str, pause: float = 0, prompt_tokens: int = 10, finish_reason: str = "stop") -> Reply:
    """Return a complete text reply."""
    parts: list[Part] = [chunk({"role": "assistant", "content": ""})]
    for piece in pieces:
        parts += [pause, chunk({"content": piece})] if pause else [chunk({"content": piece})]
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": len(pieces)}
    return Reply([*parts, chunk({}, finish_reason), sse({"choices": [], "usage": usage}), DONE])


def calls(*name_arguments: tuple[str, Any], text: str = "", prompt_tokens: int = 0) -> Reply:
    """Return a reply that calls tools, given (name, arguments) pairs; arguments that are strings are sent unchanged."""
    parts: list[Part] = [chunk({"content": text})] if text else []
    for index, (name, arguments) in enumerate(name_arguments):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call_id = f"call_{uuid.uuid4().hex[:8]}"
        first = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        parts.append(chunk({"tool_calls": [first]}))
        # Arguments arrive in pieces, as real models send them.
        for half in (written[: len(written) // 2], written[len(written) // 2 :]):
            parts.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]}))
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": len(name_arguments)}
    counted = [sse({"choices": [], "usage": usage})] if prompt_tokens else []
    return Reply([*parts, chunk({}, "tool_calls"), *counted, DONE])


def refuses(status: int, **headers: str) -> Reply:
    """Return an error response."""
    body = json.dumps({"error": {"message": "provider says SECRET-PROVIDER-TEXT", "code": "x"}}).encode()
    header_values = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([body], status=status, headers={"Content-Type": "application/json", **header_values})


class ModelServer:
    """The server, in its own thread; it keeps scripts and requests by model id."""

    def __init__(self) -> None:
        self._scripts: dict[str, deque[Reply]] = defaultdict(deque)
        self._requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.disconnects: dict[str, int] = defaultdict(int)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="model-server", daemon=True)
        self._thread.start()
        self.base_url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def enqueue(self, model: str, replies: Iterable[Reply]) -> None:
        """Script the next replies of a model; without a script it says "Hello."."""
        self._scripts[model].extend(replies)

    def clear(self, model: str) -> None:
        """Discard the unused script of a model."""
        self._scripts[model].clear()

    def requests(self, model: str) -> list[dict[str, Any]]:
        """Return the request bodies for the model, oldest first, each with its headers under "headers"."""
        return self._requests[model]

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> str:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}/v1"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        model = body["model"]
        self._requests[model].append({**body, "headers": dict(request.headers)})
        reply = self._scripts[model].popleft() if self._scripts[model] else says("Hello", ".")
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        try:
            await self._send(request, response, reply)
        except (ConnectionError, asyncio.CancelledError):
            self.disconnects[model] += 1
            raise
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse, reply: Reply) -> None:
        if not (reply.then == "hang" and not reply.parts):
            await response.prepare(request)
        for part in reply.parts:
            match part:
                case bytes():
                    await response.write(part)
                case threading.Event():
                    await asyncio.to_thread(part.wait, scaled(30))
                case _:
                    await asyncio.sleep(scaled(part))
        if reply.then == "hang":
            await asyncio.sleep(scaled(60))
        if reply.then == "cut" and request.transport is not None:
            request.transport.abort()


def tool_results(prompt: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the tools' results in a prompt, without the marks around untrusted data."""
    contents = [message["content"] for message in prompt if message["role"] == "tool"]
    return [inside_fence(content) for content in contents]


def inside_fence(content: str) -> str:
    """Return the text between the marks of a tool's result; checks that the text does not contain them."""
    match = re.fullmatch(r"<tool_data ([0-9a-f]{16})>\n(.*)\n</tool_data \1>(?:\n[^\n]*)?", content, re.DOTALL)
    assert match is not None, content
    assert match[1] not in match[2]
    return match[2]


@dataclass
class ScriptedModel:
    """One model id on the server."""

    server: ModelServer
    model_id: str

    def will(self, *replies: Reply) -> None:
        """Script its next replies."""
        self.server.enqueue(self.model_id, replies)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.server.requests(self.model_id)

    @property
    def prompts(self) -> list[list[dict[str, Any]]]:
        return [request["messages"] for request in self.requests]
