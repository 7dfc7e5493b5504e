"""HTTP to an MCP server: on checked connections, bounded in bytes, every request on record, without cookies."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from apps_registry.mcp.errors import McpError, status_error
from apps_registry.outbound.client import MAX_REDIRECTS, OWN_HEADERS, CallRecord, CheckedTransport, connect_failure, tls
from apps_registry.outbound.errors import OutboundError, TooLarge, Unreachable
from apps_registry.support.origins import DEFAULT_PORTS, host_and_port

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is and what to send to it.

    Attributes:
        headers: as they are sent, secrets and all.
        allowed_hosts: hosts, as host:port, that may be of a private network.
        only_hosts: the only hosts, as host:port, that may be called besides those; empty: any public one.
        timeout_seconds: for one operation, with the connection that it needs.
    """

    url: str
    headers: Mapping[str, str]
    allowed_hosts: frozenset[str]
    timeout_seconds: float
    only_hosts: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """Host and port."""
        return _host(httpx2.URL(self.url))


@dataclass(slots=True)
class Traffic:
    """What one operation sends and receives.

    Attributes:
        records: gets a record of every request.
        received: bytes so far, over all its answers.
    """

    records: list[CallRecord]
    received: int = 0


class Wire:
    """The connections of one MCP session, which hold nothing but themselves from one request to the next."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._url = httpx2.URL(endpoint.url)
        self._transport: CheckedTransport | None = None

    @asynccontextmanager
    async def answered(
        self, method: str, headers: Mapping[str, str], body: bytes | None, traffic: Traffic
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request and give the answer, whatever its status; a redirect is followed within the origin.

        Raises:
            McpError: no answer came, or it broke off.
        """
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            async with self._sent(url, method, headers, body, traffic) as response:
                following = _redirected(url, response)
                if following is None:
                    yield response
                    return
            url = following
        raise McpError(f"it redirects more than {MAX_REDIRECTS} times")

    async def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()

    @asynccontextmanager
    async def _sent(
        self, url: httpx2.URL, method: str, headers: Mapping[str, str], body: bytes | None, traffic: Traffic
    ) -> AsyncIterator[httpx2.Response]:
        record = CallRecord(method, _host(url))
        traffic.records.append(record)
        transport = await self._opened()
        began = time.monotonic()
        try:
            # Bytes are counted as they come: compressed, a few of them would be a great many later.
            named = {"User-Agent": OWN_HEADERS["User-Agent"], **self._endpoint.headers, **headers}
            request = httpx2.Request(method, url, headers={**named, "Accept-Encoding": "identity"}, content=body)
            response = await transport.handle_async_request(request)
            record.status, record.verdict = response.status_code, "answered"
            try:
                if response.headers.get("content-encoding", "identity").lower() != "identity":
                    raise Unreachable("the answer is compressed, which was not asked for")
                counted = _CountedBody(response.stream, traffic, record)
                yield httpx2.Response(response.status_code, headers=response.headers, stream=counted, request=request)
            finally:
                await response.aclose()
        except OutboundError as error:
            record.verdict = error.verdict
            raise McpError(str(error), is_answer=False) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            record.verdict = Unreachable(connect_failure(error)).verdict
            raise McpError(connect_failure(error), is_answer=False) from None
        except (httpx2.TransportError, httpx2.StreamError) as error:
            broken = Unreachable(f"the connection broke ({type(error).__name__})")
            record.verdict = broken.verdict
            raise McpError(str(broken), is_answer=False) from None
        finally:
            record.address = transport.backend.address
            record.milliseconds = int((time.monotonic() - began) * 1000)

    async def _opened(self) -> CheckedTransport:
        if self._transport is None:
            if not tls.cache_info().currsize:  # the first call reads the authorities, which takes a tenth of a second
                await asyncio.to_thread(tls)
            endpoint = self._endpoint
            self._transport = CheckedTransport(endpoint.allowed_hosts, endpoint.only_hosts, max_keepalive=4)
        return self._transport

    def refusal(self, response: httpx2.Response, words: str = "") -> McpError:
        """Return the error that an answer's status is."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return status_error(response.status_code, headers, sent=self._endpoint.headers, words=words)


class _CountedBody(httpx2.AsyncByteStream):
    """A body that ends with an error once its operation has received too much."""

    def __init__(self, inner: Any, traffic: Traffic, record: CallRecord) -> None:
        self._inner = inner
        self._traffic = traffic
        self._record = record

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._record.received_bytes += len(chunk)
            self._traffic.received += len(chunk)
            if self._traffic.received > MAX_BYTES:
                raise TooLarge(MAX_BYTES)
            yield chunk


def _redirected(url: httpx2.URL, response: httpx2.Response) -> httpx2.URL | None:
    """Return where a redirect leads that keeps the method and the origin, such as to a path with a slash."""
    if response.status_code not in {307, 308} or not response.headers.get("location"):
        return None
    try:
        there = url.join(response.headers["location"])
        is_same = (there.scheme, _host(there)) == (url.scheme, _host(url)) and not there.userinfo
    except (httpx2.InvalidURL, ValueError, KeyError):
        return None
    return there.copy_with(fragment=None) if is_same else None


def _host(url: httpx2.URL) -> str:
    return host_and_port(url.raw_host.decode(), url.port or DEFAULT_PORTS[url.scheme])
