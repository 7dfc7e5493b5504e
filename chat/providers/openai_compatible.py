"""Any server of the OpenAI chat completions protocol, through the openai package; its only importer.

The package's typed layer costs four fifths of a turn's processor time: a pydantic object a chunk and a walk
over the whole request. `AsyncOpenAI.post` with `cast_to=object` keeps what is worth having, authentication,
connection pool, error classes and stream decoding, and hands out plain dicts.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx2
import orjson
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    AsyncStream,
    DefaultAioHttpClient,
)

from apps_registry.tools.base import Tool
from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.providers.base import ModelDelta, ModelFailure, ModelTimeout, ToolCallDelta
from chat.providers.bounded_stream import bound_lines

CONNECT_TIMEOUT_SECONDS = 10.0
MAX_CONNECTIONS = 10_000
TRANSIENT_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})

_clients: dict[tuple[str, str], AsyncOpenAI] = {}


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
        stream: AsyncStream[object] | None = None
        is_finished = False
        try:
            async with asyncio.timeout(self._first_token_timeout):
                stream = await self._open(body)
                chunk = await anext(stream, None)
            while chunk is not None:
                delta = _delta(chunk)
                is_finished = is_finished or bool(delta.finish_reason)
                yield delta
                async with asyncio.timeout(self._gap_timeout):
                    chunk = await anext(stream, None)
        except Exception as error:
            if not is_finished:  # what breaks after the finish reason takes nothing from the answer
                raise _failure(error) from error
        finally:
            if stream is not None:
                await stream.close()

    async def _open(self, body: dict[str, Any]) -> AsyncStream[object]:
        return await _client(self._config).post(
            "/chat/completions", cast_to=object, stream=True, stream_cls=AsyncStream[object], body=body
        )

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


async def close_clients() -> None:
    """Close all connections to providers; the server calls it last."""
    while _clients:
        await _clients.popitem()[1].close()


def _client(config: ModelConfig) -> AsyncOpenAI:
    """Return the provider's client; a provider key goes to its own base URL and nowhere else."""
    api_key = os.environ.get(config.api_key_env, "") if config.api_key_env else ""
    where = (config.base_url, api_key)
    if where not in _clients:
        _clients[where] = AsyncOpenAI(
            base_url=config.base_url,
            api_key=api_key or "none",
            max_retries=0,  # the runner has the budget for retries
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_SECONDS),
            http_client=DefaultAioHttpClient(
                limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100),
                timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_SECONDS),
                follow_redirects=False,
                event_hooks={"response": [bound_lines]},
            ),
        )
    return _clients[where]


def _tool_schema(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _delta(chunk: object) -> ModelDelta:
    """Read one chunk; anything that is not of the protocol's shape raises TypeError or one of its kin."""
    if not isinstance(chunk, dict):
        raise TypeError("a chunk is not an object")
    usage = chunk.get("usage") or {}
    tokens = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    choices = chunk.get("choices") or [{}]
    choice = choices[0]
    delta = choice.get("delta") or {}
    text = delta.get("content") or ""
    if not isinstance(text, str):
        raise TypeError("a chunk's content is not text")
    calls = tuple(_tool_call_delta(call, n) for n, call in enumerate(delta.get("tool_calls") or ()))
    return ModelDelta(text, calls, str(choice.get("finish_reason") or ""), *tokens)


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
        case APIStatusError():
            return _refused(error)
        # The aiohttp transport reports a refused connection as a time-out of connecting.
        case APITimeoutError() if not isinstance(error.__cause__, httpx2.ConnectTimeout):
            return ModelTimeout("The model did not answer in time.")
        case TimeoutError():
            return ModelTimeout("The model did not answer in time.")
        case APIConnectionError():
            return ModelFailure("The model could not be reached.", is_transient=True)
        case APIError():
            return ModelFailure("The model reported an error while it answered.")
        case orjson.JSONDecodeError() | ValueError() | TypeError() | AttributeError() | KeyError() | IndexError():
            return ModelFailure("The model sent something that is not a chat completion stream.")
        case _:
            return ModelFailure(f"The connection to the model failed ({type(error).__name__}).", is_transient=True)


def _refused(error: APIStatusError) -> ModelFailure:
    status = error.status_code
    reasons = {
        401: "The model's provider refused our credentials.",
        403: "The model's provider refused our credentials.",
        404: "The model's provider does not know this model.",
        429: "The model's provider is rate-limiting us.",
    }
    detail = reasons.get(status, "The model's provider answered with an error.")
    try:
        retry_after = float(error.response.headers.get("Retry-After", ""))
    except ValueError:
        retry_after = None
    return ModelFailure(
        f"{detail[:-1]} (HTTP {status}).", is_transient=status in TRANSIENT_STATUS, retry_after=retry_after
    )
