"""Any server of the OpenAI chat completions protocol, through the openai package; its only importer.

The package gives the credentials, the headers and the connections. Its request and response layers would cost more
than half of a turn's processor time (pydantic options copied thrice a request, an object and a time-out scope a
chunk), so requests go straight to its HTTP client, and chunks stay the plain dicts that they arrive as.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from openai import AsyncOpenAI, DefaultAioHttpClient

from apps_registry.provider_key import NoProviderKey
from apps_registry.retry_after import seconds_of
from apps_registry.tools.base import Tool
from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.base import ModelDelta, ModelFailure, ModelTimeout, ToolCallDelta
from chat.providers.cookies import keep_no_cookies
from chat.providers.event_stream import read_events

CONNECT_TIMEOUT = {"connect": 10.0}  # seconds; the waits for the answer are the stream's business
MAX_CONNECTIONS = 10_000
DONE = b"[DONE]"
NOTHING: dict[str, Any] = {}
MAX_TOKENS = 100_000_000  # of one answer; many of them fit into the turn's column
# How long a server may take to end its answer after it has said that it is done.
DRAIN_SECONDS = 0.1
TRANSIENT_STATUS = frozenset({408, 409, 429})  # and every 5xx


@dataclass(frozen=True, slots=True)
class _Provider:
    """Connections to one provider under one key, and what every request to it begins with."""

    http: httpx2.AsyncClient
    url: httpx2.URL
    headers: httpx2.Headers = field(repr=False)


class Connections:
    """Connections to providers, and how many requests each may have at once."""

    def __init__(self) -> None:
        self._providers: dict[tuple[str, str, tuple[tuple[str, str], ...]], _Provider] = {}
        self._limits: dict[int, tuple[int, asyncio.Semaphore]] = {}

    def provider(self, config: ModelConfig) -> _Provider:
        """Return the provider's connections; a provider key goes to its own base URL and nowhere else.

        Raises:
            ModelFailure: its key is not to be had here.
        """
        try:
            key = config.key.value()
        except NoProviderKey:  # its message is for operators, who find it on the provider's page
            raise ModelFailure(
                "The key of the model's provider is not set up on this server.", reason="no_key"
            ) from None
        where = (config.base_url, key, tuple(config.headers.items()))
        if where not in self._providers:
            self._providers[where] = _connect(config, key)
        return self._providers[where]

    def limit(self, config: ModelConfig) -> contextlib.AbstractAsyncContextManager[None]:
        """Return what a request holds while it runs; a changed limit counts for the requests that come after."""
        most = config.max_concurrent
        if most is None:
            return contextlib.nullcontext()
        known = self._limits.get(config.provider_id)
        if known is None or known[0] != most:
            known = self._limits[config.provider_id] = (most, asyncio.Semaphore(most))
        return known[1]

    async def close(self) -> None:
        """Close all."""
        while self._providers:
            await self._providers.popitem()[1].http.aclose()


connections = Connections()


class OpenAICompatibleModel:
    """One model of one provider, with an App's sampling parameters."""

    def __init__(
        self,
        config: ModelConfig,
        sampling: Sampling,
        *,
        first_token_timeout: float,
        gap_timeout: float,
        through: Connections = connections,
    ) -> None:
        """Describe the model; nothing is sent.

        Args:
            config: the model and where it is served.
            sampling: parameters to pass on.
            first_token_timeout: seconds until the first chunk.
            gap_timeout: seconds between two chunks; comment lines that keep the connection open do not count.
            through: the connections to use; those of the worker, unless the caller closes its own.
        """
        self._config = config
        self._sampling = sampling
        self._first_token_timeout = first_token_timeout
        self._gap_timeout = gap_timeout
        self._connections = through

    async def stream(
        self, messages: Sequence[ChatMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks.

        Raises:
            ModelFailure: refused, unreachable, or not the protocol.
            ModelTimeout: silent for too long.
        """
        body = self._body(messages, tools, allow_tool_calls)
        is_finished = False
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._first_token_timeout):
                    await stack.enter_async_context(self._connections.limit(self._config))
                    response = await self._open(body)
                    stack.push_async_callback(response.aclose)
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

    async def _open(self, body: dict[str, Any]) -> httpx2.Response:
        provider = self._connections.provider(self._config)
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
            **self._config.options,
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


def _connect(config: ModelConfig, key: str) -> _Provider:
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100)
    http = DefaultAioHttpClient(limits=limits, follow_redirects=False)  # which would take the key elsewhere
    keep_no_cookies(http)
    client = AsyncOpenAI(base_url=config.base_url, api_key=key or "none", http_client=http)
    headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
    # The package takes no client without a key, and would read its own variables.
    headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    authorization = client.auth_headers if key else {}
    url = httpx2.URL(f"{config.base_url.rstrip('/')}/chat/completions")
    merged = httpx2.Headers(headers)
    merged.update(config.headers)
    merged.update(authorization)
    return _Provider(http, url, merged)


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
    if not usage:
        return ModelDelta(text, calls, finish_reason)
    tokens = (_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))
    return ModelDelta(text, calls, finish_reason, *tokens)


def _count(value: object) -> int | None:
    """Return a number of tokens; what is none takes nothing from the answer."""
    return value if isinstance(value, int) and 0 <= value <= MAX_TOKENS else None


def _tool_call_delta(call: dict[str, Any], number: int) -> ToolCallDelta:
    function = call.get("function") or {}
    index = call.get("index")
    return ToolCallDelta(
        index if isinstance(index, int) else number,  # some servers leave it out, or null
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
            return ModelTimeout("The model did not answer in time.", reason="timeout")
        # The aiohttp transport reports a refused connection as a time-out of connecting.
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return ModelFailure("The model could not be reached.", is_transient=True, reason="connect")
        case ValueError() | TypeError() | AttributeError() | KeyError() | IndexError() | RecursionError():
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
    return ModelFailure(
        f"{detail[:-1]} (HTTP {status}).",
        is_transient=status >= 500 or status in TRANSIENT_STATUS,
        retry_after=seconds_of(response.headers.get("Retry-After", "")),
        reason=f"http_{status}",
    )
