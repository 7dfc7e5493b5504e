"""HTTP for the `mcp` package: on checked connections, bounded in bytes, every request on record."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from apps_registry.origins import DEFAULT_PORTS, host_and_port
from apps_registry.outbound.client import CallRecord, CheckedTransport, connect_failure
from apps_registry.outbound.errors import OutboundError, TooLarge, Unreachable
from apps_registry.outside_text import WholeCharacters

MAX_BYTES = 4 * 1024 * 1024


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of one connection to an MCP server.

    Attributes:
        records: gets a record of every request.
        failure: why the last request that failed did; the `mcp` package wraps it in exceptions of its own.
    """

    def __init__(self, allowed_hosts: frozenset[str], records: list[CallRecord]) -> None:
        """Take the hosts, as host:port, that may be private."""
        self._inner = CheckedTransport(allowed_hosts, max_keepalive=4)
        self.records = records
        self.failure: OutboundError | None = None
        self.received = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; its record is complete when its answer has been read."""
        url = request.url
        record = CallRecord(request.method, host_and_port(url.raw_host.decode(), url.port or DEFAULT_PORTS[url.scheme]))
        self.records.append(record)
        # Bytes are counted as they come: compressed, a few of them would be a great many later.
        request.headers["Accept-Encoding"] = "identity"
        began = time.monotonic()
        try:
            response = await self._inner.handle_async_request(request)
        except OutboundError as error:
            self.fail(record, error)
            raise
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            self.fail(record, Unreachable(connect_failure(error)))
            raise
        finally:
            record.address = self._inner.backend.address
            record.milliseconds = int((time.monotonic() - began) * 1000)
        record.status, record.verdict = response.status_code, "answered"
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            refused = Unreachable("the answer is compressed, which was not asked for")
            self.fail(record, refused)
            await response.aclose()
            raise refused
        body = _CountedBody(response.stream, self, record)
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def fail(self, record: CallRecord, error: OutboundError) -> None:
        """Note why a request failed."""
        self.failure = error
        record.verdict = error.verdict


class _CountedBody(httpx2.AsyncByteStream):
    """A body without halves of characters, which ends with an error once the connection has brought too much."""

    def __init__(self, inner: Any, transport: RecordingTransport, record: CallRecord) -> None:
        self._inner = inner
        self._transport = transport
        self._record = record

    async def __aiter__(self) -> AsyncIterator[bytes]:
        whole = WholeCharacters()
        async for chunk in self._inner:
            self._record.received_bytes += len(chunk)
            self._transport.received += len(chunk)
            if self._transport.received > MAX_BYTES:
                error = TooLarge(MAX_BYTES)
                self._transport.fail(self._record, error)
                raise error
            yield whole.take(chunk)
        yield whole.end()

    async def aclose(self) -> None:
        await self._inner.aclose()
