"""The practice model's web application: chat completions, streamed or whole."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from aiohttp import web

from aomi_site.practice_model.request import InvalidRequestError, Request, read_request
from aomi_site.practice_model.rules import Answer, answer

MODEL_ID = "practice-model"
CONTEXT_TOKENS = 128_000
MAX_BODY_BYTES = 64 * 1024 * 1024
CHARS_PER_TOKEN = 4
WORD_SECONDS, SLOW_WORD_SECONDS = 0.02, 0.1


Answering = Callable[[Request], Answer]
ANSWERING: web.AppKey[Answering] = web.AppKey("answering")


def make_application(answering: Answering = answer) -> web.Application:
    """Return the application; it stores and logs nothing.

    Args:
        answering: what to answer; by default the rules of the practice model.
    """
    application = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_only_for_this_machine])
    application[ANSWERING] = answering
    application.router.add_post("/v1/chat/completions", _complete)
    application.router.add_get("/v1/models", _models)
    application.router.add_get("/health", _health)
    return application


@web.middleware
async def _only_for_this_machine(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse other host names: a web page could resolve its own name to this machine and read the answers."""
    if request.host.rpartition(":")[0] not in {"127.0.0.1", "localhost"}:
        return _refusal("This server answers to 127.0.0.1 only.", 403)
    response: web.StreamResponse = await handler(request)
    return response


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": MODEL_ID, "object": "model", "owned_by": "aomi"}]})


async def _complete(request: web.Request) -> web.StreamResponse:
    try:
        body = json.loads(await request.read())
        reply = _Reply(request.app[ANSWERING](read_request(body)), body)
    except InvalidRequestError as error:
        return _refusal(f"{error}.", 400)
    except (ValueError, RecursionError):
        return _refusal("The body must be JSON.", 400)
    return await reply.stream(request) if body.get("stream") else web.json_response(reply.whole())


def _refusal(message: str, status: int) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return web.json_response({"error": error}, status=status)


class _Reply:
    """An answer in the protocol's form."""

    def __init__(self, answer: Answer, body: Mapping[str, Any]) -> None:
        """Prepare the reply.

        Args:
            answer: the answer.
            body: the request; its token limit and stream options apply.
        """
        self.answer, self.id, self.created = answer, f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        self.model = str(body.get("model") or MODEL_ID)
        options = body.get("stream_options")
        self.counts = isinstance(options, dict) and bool(options.get("include_usage"))
        self.prompt_tokens = _tokens(json.dumps([body.get("messages"), body.get("tools")], ensure_ascii=False))
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        # Here each word, with the space after it, is one token.
        self.words = [word + " " for word in answer.text.split(" ")] if answer.text else []
        self.is_cut = isinstance(limit, int) and len(self.words) > limit
        self.words = self.words[:limit] if self.is_cut else self.words
        self.calls = [
            {
                "id": f"call_{uuid.uuid4().hex[:24]}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for call in answer.calls
        ]

    @property
    def finish_reason(self) -> str:
        """Why the reply ends."""
        return "length" if self.is_cut else "tool_calls" if self.calls else "stop"

    def usage(self) -> dict[str, int]:
        """Return the token counts: one per word of the text, and one per four characters of everything else."""
        completion = len(self.words) + sum(_tokens(json.dumps(call["function"])) for call in self.calls)
        total = self.prompt_tokens + completion
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": completion, "total_tokens": total}

    def whole(self) -> dict[str, Any]:
        """Return the reply in one object."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.words).rstrip(" ") or None}
        if self.calls:
            message["tool_calls"] = self.calls
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage()}

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send the reply as server-sent events until the client disconnects."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        async for chunk in self._chunks():
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _chunks(self) -> AsyncGenerator[dict[str, Any], None]:
        yield self._chunk({"role": "assistant", "content": ""})
        pause = SLOW_WORD_SECONDS if self.answer.is_slow else WORD_SECONDS
        for index, word in enumerate(self.words):
            yield self._chunk({"content": word if index < len(self.words) - 1 else word.rstrip(" ")})
            await asyncio.sleep(pause)
        for index, call in enumerate(self.calls):
            yield self._chunk({"tool_calls": [{"index": index, **call}]})
        yield self._chunk({}, self.finish_reason)
        if self.counts:
            yield {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage()}

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _tokens(text: str) -> int:
    return len(text) // CHARS_PER_TOKEN + 1
