"""HTTP to an MCP server: checked connections, limited size, a record of every request, no cookies."""

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
from apps_registry.support.http.origins import DEFAULT_PORTS, host_and_port

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a server and what to send to it.

    Attributes:
        headers: as sent, including secrets.
        allowed_hosts: hosts, as host:port, that may be in a private network.
        only_hosts: if set, the only other hosts, as host:port, that may be called; empty allows any public host.
        timeout_seconds: for one operation, including connecting.
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
    """The traffic of one operation.

    Attributes:
        records: gets a record of every request.
        received: bytes so far, over all responses.
    """

    records: list[CallRecord]
    received: int = 0


class Wire:
    """The connections of one MCP session; they keep no state between requests."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._url = httpx2.URL(endpoint.url)
        self._transport: CheckedTransport | None = None

    @asynccontextmanager
    async def answered(
        self, method: str, headers: Mapping[str, str], body: bytes | None, traffic: Traffic
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request and yield the response, whatever its status; follow redirects within the origin.

        Raises:
            McpError: there was no response, or it broke off.
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
        if self._transport is not None:
            await self._transport.aclose()

    @asynccontextmanager
    async def _sent(
        self, url: httpx2.URL, method: str, headers: Mapping[str, str], body: bytes | None, traffic: Traffic
    ) -> AsyncIterator[httpx2.Response]:
        record = CallRecord(method, _host(url))
        traffic.records.append(record)
        transport = await self._opened()
        started = time.monotonic()
        try:
            # Bytes are counted as they arrive, so compression is off: a few compressed bytes could expand to many.
            all_headers = {"User-Agent": OWN_HEADERS["User-Agent"], **self._endpoint.headers, **headers}
            request = httpx2.Request(method, url, headers={**all_headers, "Accept-Encoding": "identity"}, content=body)
            response = await transport.handle_async_request(request)
            record.status, record.verdict = response.status_code, "answered"
            try:
                if response.headers.get("content-encoding", "identity").lower() != "identity":
                    raise Unreachable("the answer is compressed, which was not requested")
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
            record.milliseconds = int((time.monotonic() - started) * 1000)

    async def _opened(self) -> CheckedTransport:
        if self._transport is None:
            if (
                not tls.cache_info().currsize
            ):  # the first call loads the CA certificates, which takes a tenth of a second
                await asyncio.to_thread(tls)
            endpoint = self._endpoint
            self._transport = CheckedTransport(endpoint.allowed_hosts, endpoint.only_hosts, max_keepalive=4)
        return self._transport

    def refusal(self, response: httpx2.Response, words: str = "") -> McpError:
        """Return the error for a response's status."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return status_error(response.status_code, headers, sent=self._endpoint.headers, words=words)


class _CountedBody(httpx2.AsyncByteStream):
    """A body that raises an error once its operation has received too much."""

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
    """Return the target of a redirect that keeps the method and the origin, such as one that adds a trailing slash."""
    if response.status_code not in {307, 308} or not response.headers.get("location"):
        return None
    try:
        target = url.join(response.headers["location"])
        is_same = (target.scheme, _host(target)) == (url.scheme, _host(url)) and not target.userinfo
    except (httpx2.InvalidURL, ValueError, KeyError):
        return None
    return target.copy_with(fragment=None) if is_same else None


def _host(url: httpx2.URL) -> str:
    return host_and_port(url.raw_host.decode(), url.port or DEFAULT_PORTS[url.scheme])
