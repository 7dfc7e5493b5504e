"""Any server of the OpenAI chat completions protocol, through the openai package; its only importer.

The package gives the credentials, the headers and the connections. Its request and response layers would cost more
than half of a turn's processor time (pydantic options copied thrice a request, an object and a time-out scope a
chunk), so requests go straight to its HTTP client, and chunks stay the plain dicts that they arrive as.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from apps_registry.credentials.provider_key import NoProviderKey
from apps_registry.support.descriptors import budget
from apps_registry.support.retry_after import retry_after_seconds
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
from chat.providers.requests import Learn, Report, Requests, forget, say_nothing

CONNECT_TIMEOUT = {"connect": 10.0}  # seconds; the waits for the answer are the stream's business
MAX_CONNECTIONS = 10_000
# How long a server may take to end its answer after it has said that it is done.
DRAIN_SECONDS = 0.1
ERROR_SECONDS = 2.0  # how long the text of a refusal is waited for
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
        self._providers: dict[tuple[str, str, str, tuple[tuple[str, str], ...]], _Provider] = {}
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
        where = (config.base_url, key, config.profile.key_header, tuple(config.headers.items()))
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
        limits: TimeLimits,
        *,
        through: Connections = connections,
        on_change: Report = say_nothing,
        on_learned: Learn = forget,
    ) -> None:
        """Describe the model; nothing is sent.

        Args:
            config: the model and where it is served.
            sampling: parameters to pass on.
            limits: how long it may be silent; comment lines that keep the connection open do not count.
            through: the connections to use; those of the worker, unless the caller closes its own.
            on_change: messages_for of what is left out of requests, or sent otherwise, because the provider refuses it.
            on_learned: messages_for of rules that hold for every request to the model.
        """
        self._config = config
        self._limits = limits
        self._connections = through
        self._requests = Requests(config, sampling, on_change, on_learned)

    @property
    def issuer(self) -> Issuer:
        """Who answers here."""
        return issuer_of(self._config)

    async def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks.

        Raises:
            ModelFailure: refused, unreachable, or not the protocol.
            ModelTimeout: silent for too long.
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
                if not is_finished:  # what breaks after the finish reason takes nothing from the answer
                    failure = _failure(error)
                    if isinstance(failure, ModelTimeout):
                        failure.note = self._limits.words(has_begun=events is not None)
                    raise failure from error

    async def _open(self, messages: Sequence[ChatMessage], tools: Sequence[Tool], may_call: bool) -> httpx2.Response:
        """Return the answer to a request, which is changed and sent again where a refusal says what is wrong."""
        while True:
            response = await self._send(self._requests.body(messages, tools, allow_tool_calls=may_call))
            if response.status_code == 200:
                self._requests.taken()
                return response
            error = await _error_body(response)
            if not self._requests.mend(response.status_code, error):
                raise _refused(response, error)

    async def _send(self, body: bytes) -> httpx2.Response:
        provider = self._connections.provider(self._config)
        request = httpx2.Request(
            "POST", provider.url, headers=provider.headers, content=body, extensions={"timeout": CONNECT_TIMEOUT}
        )
        return await provider.http.send(request, stream=True)


async def _error_body(response: httpx2.Response) -> bytes:
    """Return what a refusal says, as far as it is of use; it is closed then."""
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
    """Yield the events of an answer, each time all that have arrived; what comes behind its end is not read."""
    pieces = response.aiter_bytes()
    async for events in read_events(pieces):
        is_done = DONE in events
        if said := events[: events.index(DONE)] if is_done else events:
            yield said
        if is_done:
            break
    # A body that was read to its end leaves the connection to the next request.
    with contextlib.suppress(TimeoutError, httpx2.HTTPError, httpx2.StreamError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in pieces:
                pass


def _connect(config: ModelConfig, key: str) -> _Provider:
    most = min(MAX_CONNECTIONS, budget().outbound)
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=min(most, 100))
    http = DefaultAioHttpClient(limits=limits, follow_redirects=False)  # which would take the key elsewhere
    keep_no_cookies(http)
    client = AsyncOpenAI(base_url=config.base_url, api_key=key or "none", http_client=http)
    headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
    # The package takes no client without a key, and would read its own variables.
    headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    name = config.profile.key_header
    authorization: Mapping[str, str] = {name: key} if name and key else client.auth_headers if key else {}
    url = httpx2.URL(f"{config.base_url.rstrip('/')}/chat/completions")
    merged = httpx2.Headers(headers)
    merged.update(config.headers)
    merged.update(authorization)
    return _Provider(http, url, merged)


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
