"""The HTTP client for outbound calls, with limits on destination, duration and response size."""

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

import httpcore2
import httpx2

from apps_registry.outbound.backend import CheckedBackend
from apps_registry.outbound.compression import Decompressor
from apps_registry.outbound.errors import OutboundError, Refused, TimedOut, TooLarge, Unreachable
from apps_registry.support.http.origins import DEFAULT_PORTS, host_and_port

MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 3
MAX_PER_HOST = 8
# Headers of the operator that are kept on a redirect to another origin.
HARMLESS_HEADERS = frozenset({"accept", "accept-language"})
OWN_HEADERS = {"User-Agent": "aomi-apps", "Accept": "application/json, */*;q=0.5", "Accept-Encoding": "gzip, deflate"}

_gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """A request. The URL and the header values must already be encoded."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """A response, with header names in lower case and the body decompressed.

    Attributes:
        encoding: the charset of the Content-Type header; empty: it has none.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    encoding: str

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty: the server sent none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(slots=True)
class CallRecord:
    """One request that was sent, or refused.

    Attributes:
        host: host and port.
        address: the address that was connected to; empty: no connection was made.
        received_bytes: size of the body before decompression.
        verdict: "answered", "too large", "timed out", "cancelled", or "refused: …" and "failed: …" with the reason.
    """

    method: str
    host: str
    address: str = ""
    status: int | None = None
    milliseconds: int = 0
    received_bytes: int = 0
    verdict: str = "cancelled"


class CheckedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport with connections of `CheckedBackend`, without proxies and Unix sockets."""

    def __init__(
        self, allowed_hosts: frozenset[str], only_hosts: frozenset[str] = frozenset(), *, max_keepalive: int = 0
    ) -> None:
        """Create a transport that keeps `max_keepalive` idle connections; for the hosts see CheckedBackend."""
        super().__init__(verify=tls(), trust_env=False)
        self.backend = CheckedBackend(allowed_hosts, only_hosts)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls(), network_backend=self.backend, max_keepalive_connections=max_keepalive
        )


@functools.cache
def tls() -> ssl.SSLContext:
    """Return the TLS context; SSL_CERT_FILE can name additional certificate authorities."""
    return httpx2.create_ssl_context()


async def send(
    request: OutboundRequest,
    *,
    allowed_hosts: frozenset[str],
    timeout_seconds: float,
    records: list[CallRecord],
    max_bytes: int = MAX_BYTES,
    only_hosts: frozenset[str] = frozenset(),
) -> OutboundResponse:
    """Send a request, follow redirects, and return the response, whatever its status.

    On a redirect to another origin, the body, the operator's headers and the permission for private hosts are dropped.
    Redirects from https to http are refused.

    Args:
        request: what to send.
        allowed_hosts: hosts, as host:port, that may have private addresses.
        timeout_seconds: limit for everything, from the wait for a free slot to the last byte.
        records: receives a record of every request, including refused and failed ones.
        max_bytes: maximum size of the body after decompression.
        only_hosts: the only other hosts, as host:port, that may be called, also by redirects; empty: any public host.

    Raises:
        Refused: a rule forbids the call.
        TimedOut, TooLarge, Unreachable: there was no complete response.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            if not tls.cache_info().currsize:  # reading the certificate authorities takes a tenth of a second
                await asyncio.to_thread(tls)
            for _ in range(MAX_REDIRECTS + 1):
                response = await _send_one(request, CheckedTransport(allowed_hosts, only_hosts), max_bytes, records)
                next_request = _redirected(request, response)
                if next_request is None:
                    return response
                if _origin(next_request.url) != _origin(request.url):
                    allowed_hosts = frozenset()
                request = next_request
            raise Refused(f"more than {MAX_REDIRECTS} redirects")
    except TimeoutError:
        if records:
            records[-1].verdict = "timed out"
        raise TimedOut(timeout_seconds) from None
    except OutboundError as error:
        if records:
            records[-1].verdict = error.verdict
        raise


async def _send_one(
    request: OutboundRequest, transport: CheckedTransport, max_bytes: int, records: list[CallRecord]
) -> OutboundResponse:
    """Send one request on a new connection, so that no state is left for the next caller."""
    host = _host(request.url)
    record = CallRecord(request.method, host)
    records.append(record)
    async with _gates.setdefault(host, asyncio.Semaphore(MAX_PER_HOST)):
        started_at = time.monotonic()
        try:
            async with _opened(transport, request) as response:
                record.status = response.status_code
                body = await _bounded_body(response, max_bytes, record)
            record.verdict = "answered"
            return OutboundResponse(response.status_code, dict(response.headers), body, response.charset_encoding or "")
        finally:
            record.address = transport.backend.address
            record.milliseconds = int((time.monotonic() - started_at) * 1000)


@asynccontextmanager
async def _opened(transport: CheckedTransport, request: OutboundRequest) -> AsyncIterator[httpx2.Response]:
    """Yield the response once its headers have arrived; network errors become OutboundError."""
    headers = httpx2.Headers(OWN_HEADERS)  # case-insensitive
    headers.update(request.headers)
    try:
        async with transport:
            sent = httpx2.Request(request.method, request.url, headers=headers, content=request.body)
            response = await transport.handle_async_request(sent)
            try:
                yield response
            finally:
                await response.aclose()
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise Unreachable(connect_failure(error)) from None
    except httpx2.TransportError as error:
        raise Unreachable(f"the connection broke ({type(error).__name__})") from None


async def _bounded_body(response: httpx2.Response, max_bytes: int, record: CallRecord) -> bytes:
    body = bytearray()
    try:
        decompressor = Decompressor(response.headers.get("Content-Encoding", ""))
        async for chunk in response.aiter_raw():
            for piece in decompressor.feed(chunk):  # a decompression bomb is stopped here, before it fills the memory
                body += piece
                if len(body) > max_bytes:
                    raise TooLarge(max_bytes)
        decompressor.end()
    finally:
        record.received_bytes = response.num_bytes_downloaded
    return bytes(body)


def _redirected(request: OutboundRequest, response: OutboundResponse) -> OutboundRequest | None:
    """Return the request that follows a redirect; None if the response is not a redirect.

    Raises:
        Refused: the redirect is not allowed.
    """
    location = response.headers.get("location")
    if response.status not in {301, 302, 303, 307, 308} or not location:
        return None
    source = httpx2.URL(request.url)
    try:
        target = source.join(location)
    except (httpx2.InvalidURL, ValueError):
        raise Refused("a redirect to an address that cannot be read") from None
    if target.scheme not in DEFAULT_PORTS or not target.host or target.userinfo:
        raise Refused("a redirect to an address that is not plain http or https")
    if source.scheme == "https" and target.scheme == "http":
        raise Refused("a redirect from https to http")
    next_request = replace(request, url=str(target.copy_with(fragment=None)))
    # RFC 9110, section 15.4: 303 requires GET, and in practice so do 301 and 302 after a POST.
    if response.status == 303 or (response.status in {301, 302} and request.method == "POST"):
        method = "HEAD" if request.method == "HEAD" else "GET"
        kept_headers = {
            name: value for name, value in request.headers.items() if not name.lower().startswith("content-")
        }
        next_request = replace(next_request, method=method, body=None, headers=kept_headers)
    if _origin(next_request.url) == _origin(request.url):
        return next_request
    if next_request.body is not None or next_request.method not in {"GET", "HEAD"}:
        raise Refused("a redirect of a request with a body to another server")
    harmless = {name: value for name, value in request.headers.items() if name.lower() in HARMLESS_HEADERS}
    return replace(next_request, headers=harmless)


def _host(address: str) -> str:
    try:
        _, host, port = _origin(address)
    except (httpx2.InvalidURL, KeyError):
        raise Refused("an address that cannot be read") from None
    return host_and_port(host.decode(), port)


def _origin(address: str) -> tuple[str, bytes, int]:
    url = httpx2.URL(address)
    return url.scheme, url.raw_host, url.port or DEFAULT_PORTS[url.scheme]


def connect_failure(error: Exception) -> str:
    """Return why a connection failed, in fixed words: the system's message could contain anything."""
    cause = str(error)
    if "certificate" in cause.lower() or "ssl" in cause.lower():
        return "the server's certificate is not accepted"
    if "name is not known" in cause:
        return "the host's name is not known"
    return "no connection could be made"
