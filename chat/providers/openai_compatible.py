"""Any server of the OpenAI chat completions protocol, through the openai package; its only importer.

The package gives the credentials, the headers and the connections. Its request and response layers would cost more
than half of a turn's processor time (pydantic options copied thrice a request, an object and a time-out scope a
chunk), so requests go straight to its HTTP client, and chunks stay the plain dicts that they arrive as.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from openai import AsyncOpenAI, DefaultAioHttpClient

from apps_registry.tools.base import Tool
from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.base import ModelDelta, ModelFailure, ModelTimeout, ToolCallDelta
from chat.providers.event_stream import read_events

CONNECT_TIMEOUT = {"connect": 10.0}  # seconds; the waits for the answer are the stream's business
MAX_CONNECTIONS = 10_000
DONE = b"[DONE]"
NOTHING: dict[str, Any] = {}
# How long a server may take to end its answer after it has said that it is done.
DRAIN_SECONDS = 0.1
TRANSIENT_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class _Provider:
    """Connections to one provider under one key, and what every request to it begins with."""

    http: httpx2.AsyncClient
    url: httpx2.URL
    headers: httpx2.Headers


_providers: dict[tuple[str, str], _Provider] = {}


class OpenAICompatibleModel:
    """One model of one provider, with an App's sampling parameters."""

    def __init__(
        self, config: ModelConfig, sampling: Sampling, *, first_token_timeout: float, gap_timeout: float
    ) -> None:
        """Describe the model; nothing is sent.

        Args:
            config: the model and where it is served.
            sampling: parameters to pass on.
            first_token_timeout: seconds until the first chunk.
            gap_timeout: seconds between two chunks; comment lines that keep the connection open do not count.
        """
        self._config = config
        self._sampling = sampling
        self._first_token_timeout = first_token_timeout
        self._gap_timeout = gap_timeout

    async def stream(
        self, messages: Sequence[ChatMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks.

        Raises:
            ModelFailure: refused, unreachable, or not the protocol.
            ModelTimeout: silent for too long.
        """
        body = self._body(messages, tools, allow_tool_calls)
        response: httpx2.Response | None = None
        is_finished = False
        try:
            async with asyncio.timeout(self._first_token_timeout):
                response = await self._open(body)
                stream = _chunks(response)
                chunks = await anext(stream, None)
            while chunks is not None:
                for chunk in chunks:
                    delta = _delta(chunk)
                    is_finished = is_finished or bool(delta.finish_reason)
                    yield delta
                async with asyncio.timeout(self._gap_timeout):
                    chunks = await anext(stream, None)
        except Exception as error:
            if not is_finished:  # what breaks after the finish reason takes nothing from the answer
                raise _failure(error) from error
        finally:
            if response is not None:
                await response.aclose()

    async def _open(self, body: dict[str, Any]) -> httpx2.Response:
        provider = _provider(self._config)
        request = httpx2.Request(
            "POST", provider.url, headers=provider.headers, content=_dump(body), extensions={"timeout": CONNECT_TIMEOUT}
        )
        response = await provider.http.send(request, stream=True)
        if response.status_code != 200:
            await response.aclose()
            raise _refused(response)
        return response

    def _body(self, messages: Sequence[ChatMessage], tools: Sequence[Tool], allow_tool_calls: bool) -> dict[str, Any]:
        sampling = {
            "temperature": self._sampling.temperature,
            "top_p": self._sampling.top_p,
            "max_tokens": self._sampling.max_reply_tokens,
        }
        body = {
            "model": self._config.provider_model_id,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            **{name: value for name, value in sampling.items() if value is not None},
        }
        if tools and self._config.supports_tools:
            body["tools"] = [_tool_schema(tool) for tool in tools]
            if not allow_tool_calls:
                body["tool_choice"] = "none"
        return body


async def _chunks(response: httpx2.Response) -> AsyncGenerator[list[object], None]:
    """Yield the chunks of an answer, each time all that have arrived."""
    pieces = response.aiter_bytes()
    async for events in read_events(pieces):
        is_done = DONE in events
        if chunks := [_parse(event) for event in events if event != DONE]:
            yield chunks
        if is_done:
            break
    # A body that was read to its end leaves the connection to the next request.
    with contextlib.suppress(TimeoutError, httpx2.HTTPError, httpx2.StreamError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in pieces:
                pass


async def close_clients() -> None:
    """Close all connections to providers; the server calls it last."""
    while _providers:
        await _providers.popitem()[1].http.aclose()


def _provider(config: ModelConfig) -> _Provider:
    """Return the provider's connections; a provider key goes to its own base URL and nowhere else."""
    api_key = os.environ.get(config.api_key_env, "") if config.api_key_env else ""
    where = (config.base_url, api_key)
    if where not in _providers:
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100)
        http = DefaultAioHttpClient(limits=limits, follow_redirects=False)
        client = AsyncOpenAI(base_url=config.base_url, api_key=api_key or "none", http_client=http)
        headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
        url = httpx2.URL(f"{config.base_url.rstrip('/')}/chat/completions")
        _providers[where] = _Provider(http, url, httpx2.Headers({**headers, **client.auth_headers}))
    return _providers[where]


def _tool_schema(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _dump(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # half of a surrogate pair
        return json.dumps(body).encode()


def _parse(event: bytes) -> object:
    try:
        return orjson.loads(event)
    except orjson.JSONDecodeError:  # also half of a surrogate pair, which some models write
        return json.loads(event)


def _delta(chunk: object) -> ModelDelta:
    """Read one chunk; anything that is not of the protocol's shape raises TypeError or one of its kin."""
    if not isinstance(chunk, dict):
        raise TypeError("a chunk is not an object")
    if chunk.get("error"):
        raise ModelFailure("The model reported an error while it answered.")
    usage = chunk.get("usage") or NOTHING
    choices = chunk.get("choices")
    choice = choices[0] if choices else NOTHING
    delta = choice.get("delta") or NOTHING
    text = delta.get("content") or ""
    if not isinstance(text, str):
        raise TypeError("a chunk's content is not text")
    called = delta.get("tool_calls")
    calls = tuple(_tool_call_delta(call, n) for n, call in enumerate(called)) if called else ()
    finish_reason = str(choice.get("finish_reason") or "")
    return ModelDelta(text, calls, finish_reason, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def _tool_call_delta(call: dict[str, Any], number: int) -> ToolCallDelta:
    function = call.get("function") or {}
    return ToolCallDelta(
        int(call.get("index", number)),
        str(call.get("id") or ""),
        str(function.get("name") or ""),
        str(function.get("arguments") or ""),
    )


def _failure(error: Exception) -> ModelFailure:
    """Return what to tell people; a provider's own words may quote the prompt or the key, so none are kept."""
    match error:
        case ModelFailure():
            return error
        case TimeoutError():
            return ModelTimeout("The model did not answer in time.")
        # The aiohttp transport reports a refused connection as a time-out of connecting.
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return ModelFailure("The model could not be reached.", is_transient=True)
        case ValueError() | TypeError() | AttributeError() | KeyError() | IndexError():
            return ModelFailure("The model sent something that is not a chat completion stream.")
        case _:
            return ModelFailure(f"The connection to the model failed ({type(error).__name__}).", is_transient=True)


def _refused(response: httpx2.Response) -> ModelFailure:
    status = response.status_code
    reasons = {
        401: "The model's provider refused our credentials.",
        403: "The model's provider refused our credentials.",
        404: "The model's provider does not know this model.",
        429: "The model's provider is rate-limiting us.",
    }
    detail = reasons.get(status, "The model's provider answered with an error.")
    try:
        retry_after = float(response.headers.get("Retry-After", ""))
    except ValueError:
        retry_after = None
    return ModelFailure(
        f"{detail[:-1]} (HTTP {status}).", is_transient=status in TRANSIENT_STATUS, retry_after=retry_after
    )
