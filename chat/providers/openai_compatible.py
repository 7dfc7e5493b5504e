"""A client for every server of the OpenAI chat completions protocol; the only importer of the openai package.

The package provides credentials, headers and connections. Its request and response layers would cost more than half of
a turn's CPU time: it copies pydantic options three times per request, and creates an object and a timeout scope per
chunk. So requests go directly to its HTTP client, and chunks remain plain dicts.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from apps_registry.credentials.provider_key import NoProviderKey
from apps_registry.support.descriptors import budget
from apps_registry.support.http.retry_after import retry_after_seconds
from apps_registry.tools.base import Tool
from apps_registry.values import ModelConfig, Sampling
from chat.events import ChatMessage
from chat.issuers import Issuer, issuer_of
from chat.prompt.history import PromptMessage, messages_for
from chat.providers.base import ModelDelta, ModelFailure, ModelTimeout, TimeLimits
from chat.providers.cookies import keep_no_cookies
from chat.providers.mending import ERROR_MAX_BYTES, REFUSALS, is_failed_call, is_filtered
from chat.providers.reading.chunks import NO_DELTA, AnswerReader
from chat.providers.reading.events import DONE, read_events
from chat.providers.reading.json_values import UNREADABLE
from chat.providers.requests import Learn, Report, Requests, Sent, ignore_change, ignore_rules

CONNECT_TIMEOUT = {"connect": 10.0}  # seconds; `stream` has its own timeouts for the answer
MAX_CONNECTIONS = 10_000
# How long a server may take to end its response after it has sent [DONE].
DRAIN_SECONDS = 0.1
ERROR_SECONDS = 2.0  # how long to wait for the body of a refusal
TRANSIENT_STATUS = frozenset({408, 409, 429})  # and every 5xx


@dataclass(frozen=True, slots=True)
class _Provider:
    """Connections to one provider with one key, and the URL and headers of every request."""

    http: httpx2.AsyncClient
    url: httpx2.URL
    headers: httpx2.Headers = field(repr=False)


class Connections:
    """Connections to providers, and the limits on concurrent requests."""

    def __init__(self) -> None:
        self._providers: dict[tuple[str, str, str, tuple[tuple[str, str], ...]], _Provider] = {}
        self._limits: dict[int, tuple[int, asyncio.Semaphore]] = {}

    def provider(self, config: ModelConfig) -> _Provider:
        """Return the provider's connections; a provider key is sent to its own base URL only.

        Raises:
            ModelFailure: the key is unavailable on this server.
        """
        try:
            key = config.key.value()
        except NoProviderKey:  # its text is for operators, who see it on the provider's page
            raise ModelFailure(
                "The key of the model's provider is not set up on this server.", reason="no_key"
            ) from None
        cache_key = (config.base_url, key, config.profile.key_header, tuple(config.headers.items()))
        if cache_key not in self._providers:
            self._providers[cache_key] = _connect(config, key)
        return self._providers[cache_key]

    def limit(self, config: ModelConfig) -> contextlib.AbstractAsyncContextManager[None]:
        """Return a context that a request holds while it runs; a changed limit applies to later requests."""
        maximum = config.max_concurrent
        if maximum is None:
            return contextlib.nullcontext()
        limit = self._limits.get(config.provider_id)
        if limit is None or limit[0] != maximum:
            limit = self._limits[config.provider_id] = (maximum, asyncio.Semaphore(maximum))
        return limit[1]

    async def close(self) -> None:
        while self._providers:
            await self._providers.popitem()[1].http.aclose()


connections = Connections()


class OpenAICompatibleModel:
    """One model of one provider, with an App's sampling parameters."""

    def __init__(
        self,
        config: ModelConfig,
        sampling: Sampling,
        limits: TimeLimits,
        *,
        through: Connections = connections,
        on_change: Report = ignore_change,
        on_learned: Learn = ignore_rules,
        on_sent: Sent | None = None,
    ) -> None:
        """Store the configuration; nothing is sent.

        Args:
            config: the model and its provider.
            sampling: the sampling parameters.
            limits: how long the model may be silent; keep-alive comments count as silence.
            through: the connections to use: the worker's, or others that the caller closes.
            on_change: called when a request is changed because the provider refused it.
            on_learned: called with rules that apply to every request to the model.
            on_sent: called with each request's body and the status of its answer.
        """
        self._config = config
        self._limits = limits
        self._connections = through
        self._on_sent = on_sent
        self._requests = Requests(config, sampling, on_change, on_learned)

    @property
    def issuer(self) -> Issuer:
        """The issuer of this model's answers."""
        return issuer_of(self._config)

    async def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks.

        Raises:
            ModelFailure: the provider refused, is unreachable, or violates the protocol.
            ModelTimeout: the model was silent for too long.
        """
        is_finished, events = False, None
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._limits.first_token):
                    await stack.enter_async_context(self._connections.limit(self._config))
                    response = await self._open(messages_for(messages, self.issuer), tools, allow_tool_calls)
                    stack.push_async_callback(response.aclose)
                    stream = _events(response)
                    events = await anext(stream, None)
                reader = AnswerReader()
                while events is not None:
                    for event in events:
                        delta = reader.read(event).storable()
                        if delta is not NO_DELTA:
                            is_finished = is_finished or bool(delta.finish_reason)
                            yield delta
                    async with asyncio.timeout(self._limits.gap):
                        events = await anext(stream, None)
            except Exception as error:
                if not is_finished:  # after the finish reason the answer is complete, so errors do not matter
                    failure = _failure(error)
                    if isinstance(failure, ModelTimeout):
                        failure.note = self._limits.words(has_begun=events is not None)
                    raise failure from error

    async def _open(self, messages: Sequence[ChatMessage], tools: Sequence[Tool], may_call: bool) -> httpx2.Response:
        """Send a request and return the response; if a refusal says what is wrong, change the request and retry."""
        while True:
            body = self._requests.body(messages, tools, allow_tool_calls=may_call)
            response = await (self._send(body) if self._on_sent is None else self._send_reported(body, self._on_sent))
            if response.status_code == 200:
                self._requests.taken()
                return response
            error = await _error_body(response)
            if not self._requests.mend(response.status_code, error):
                raise _refused(response, error)

    async def _send_reported(self, body: bytes, report: Sent) -> httpx2.Response:
        status = 0
        try:
            response = await self._send(body)
            status = response.status_code
            return response
        finally:
            report(self._config, body, status)

    async def _send(self, body: bytes) -> httpx2.Response:
        provider = self._connections.provider(self._config)
        request = httpx2.Request(
            "POST", provider.url, headers=provider.headers, content=body, extensions={"timeout": CONNECT_TIMEOUT}
        )
        return await provider.http.send(request, stream=True)


async def _error_body(response: httpx2.Response) -> bytes:
    """Return the body of a refusal, up to ERROR_MAX_BYTES, and close the response."""
    pieces: list[bytes] = []
    length = 0
    try:
        if response.status_code in REFUSALS:
            async with asyncio.timeout(ERROR_SECONDS):
                async for piece in response.aiter_bytes():
                    pieces.append(piece)
                    length += len(piece)
                    if length >= ERROR_MAX_BYTES:
                        break
    except (TimeoutError, httpx2.HTTPError, httpx2.StreamError):
        pass  # the status is enough
    finally:
        await response.aclose()
    return b"".join(pieces)[:ERROR_MAX_BYTES]


async def _events(response: httpx2.Response) -> AsyncGenerator[list[bytes], None]:
    """Yield the events of a response in batches as they arrive; events after [DONE] are ignored."""
    pieces = response.aiter_bytes()
    async for events in read_events(pieces):
        is_done = DONE in events
        if answer_events := events[: events.index(DONE)] if is_done else events:
            yield answer_events
        if is_done:
            break
    # A connection can be reused only if the body was read to its end.
    with contextlib.suppress(TimeoutError, httpx2.HTTPError, httpx2.StreamError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in pieces:
                pass


def _connect(config: ModelConfig, key: str) -> _Provider:
    maximum = min(MAX_CONNECTIONS, budget().outbound)
    limits = httpx2.Limits(max_connections=maximum, max_keepalive_connections=min(maximum, 100))
    http = DefaultAioHttpClient(limits=limits, follow_redirects=False)  # a redirect would send the key elsewhere
    keep_no_cookies(http)
    client = AsyncOpenAI(base_url=config.base_url, api_key=key or "none", http_client=http)
    headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
    # The package requires a key and would otherwise read it from its own environment variables.
    headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    name = config.profile.key_header
    authorization: Mapping[str, str] = {name: key} if name and key else client.auth_headers if key else {}
    url = httpx2.URL(f"{config.base_url.rstrip('/')}/chat/completions")
    merged = httpx2.Headers(headers)
    merged.update(config.headers)
    merged.update(authorization)
    return _Provider(http, url, merged)


def _failure(error: Exception) -> ModelFailure:
    """Return a failure with our own words; a provider's words may quote the prompt or the key."""
    match error:
        case ModelFailure():
            return error
        case TimeoutError():
            return ModelTimeout("The model did not answer in time.", reason="timeout")
        # The aiohttp transport reports a refused connection as a connect timeout.
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return ModelFailure("The model could not be reached.", is_transient=True, reason="connect")
        case ValueError() | TypeError() | AttributeError() | KeyError() | IndexError() | RecursionError():
            return ModelFailure(UNREADABLE)
        case _:
            return ModelFailure(f"The connection to the model failed ({type(error).__name__}).", is_transient=True)


def _refused(response: httpx2.Response, error: bytes) -> ModelFailure:
    status = response.status_code
    reasons = {
        401: "The model's provider refused our credentials.",
        403: "The model's provider refused our credentials.",
        404: "The model's provider does not know this model.",
        429: "The model's provider is rate-limiting us.",
    }
    detail = reasons.get(status, "The model's provider answered with an error.")
    if is_filtered(error):
        detail = "The content filter of the model's provider refused the request."
    return ModelFailure(
        f"{detail[:-1]} (HTTP {status}).",
        is_transient=status >= 500 or status in TRANSIENT_STATUS or is_failed_call(error),
        retry_after=retry_after_seconds(response.headers.get("Retry-After", "")),
        reason=f"http_{status}",
    )
