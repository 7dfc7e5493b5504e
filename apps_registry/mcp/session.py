"""One session with an MCP server: both generations of the protocol, requests and responses.

The `mcp` package is not used: it accepts a listing, a result or an error only as a whole, and its errors expose its own
internals. Revisions up to 2025-11-25 begin with a handshake and may have a session; revision 2026-07-28 has
neither.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakValueDictionary

import httpx2
import orjson

from apps_registry.mcp.errors import WORDS_CHARS, McpError, quotable
from apps_registry.mcp.messages import StreamPosition, answer_in, error_of, message_in_body, read_events, read_json
from apps_registry.mcp.revisions import (
    CLIENT,
    METHOD_NOT_FOUND,
    OLDER,
    STATELESS,
    other_version,
    refuse_unsupported_versions,
    routing,
    with_meta,
)
from apps_registry.mcp.wire import MAX_BYTES, Endpoint, Traffic, Wire
from apps_registry.outbound.client import MAX_PER_HOST, CallRecord
from apps_registry.support.text.outside_text import storable_json_text

# Some servers never respond to an unknown method: this limit leaves time for the handshake.
PROBE_SECONDS = 5.0
CLOSE_SECONDS = 2.0
MAX_RESUMED = 3

_gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


class McpSession:
    """A session in the protocol's sense: the first request opens it, its creator closes it.

    Attributes:
        active: how many operations are running.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.active = 0
        self.instructions = ""
        self._wire = Wire(endpoint)
        self._version: str | None = None
        self._session_id = ""
        self._ids = itertools.count(1)
        self._connecting = asyncio.Lock()

    @property
    def is_stateless(self) -> bool:
        """Whether the server uses the revision without sessions."""
        return self._version == STATELESS

    @asynccontextmanager
    async def operation(self, records: list[CallRecord]) -> AsyncIterator["Operation"]:
        """Yield an operation for making requests within the time limit, which includes the handshake of the first one.

        Raises:
            McpError: something failed.
        """
        traffic = Traffic(records)
        self.active += 1
        try:
            async with asyncio.timeout(self.endpoint.timeout_seconds), self._gate():
                await self._connect(traffic)
                yield Operation(self, traffic)
        except TimeoutError:
            if records:
                records[-1].verdict = "timed out"
            seconds = f"{self.endpoint.timeout_seconds:g}"
            raise McpError(f"no complete answer came within {seconds} seconds") from None
        finally:
            self.active -= 1

    async def close(self, records: list[CallRecord]) -> None:
        """End the session at the server, if it has one, and close the connections."""
        try:
            if self._session_id:
                with suppress(McpError, TimeoutError):
                    sent = self._wire.answered("DELETE", self._headers(), None, Traffic(records))
                    async with self._gate(), asyncio.timeout(CLOSE_SECONDS), sent:
                        pass
        finally:
            await self._wire.close()

    def _gate(self) -> asyncio.Semaphore:
        return _gates.setdefault(self.endpoint.host, asyncio.Semaphore(MAX_PER_HOST))

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        traffic: Traffic,
        *,
        headers: Mapping[str, str] | None = None,
        version: str | None = None,
    ) -> dict[str, Any]:
        """Send a request and return its result.

        Raises:
            McpError: there is no result.
        """
        version = version or self._version
        request_id = next(self._ids)
        body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": with_meta(params, version)}
        all_headers = {**self._headers(version), **routing(method, params, version), **(headers or {})}
        async with self._wire.answered("POST", all_headers, _dumped(body), traffic) as response:
            message = await self._answer(response, request_id, traffic)
            if method == "initialize":
                self._session_id = response.headers.get("mcp-session-id", "")
        if (error := error_of(message)) is not None:
            words, code, data = error
            raise McpError(f"the server answered: {quotable(words) or f'error {code}'}", code=code, data=data)
        result = message.get("result")
        if not isinstance(result, dict):
            raise McpError(f"its answer to {method} has no result")
        return result

    def _headers(self, version: str | None = None) -> dict[str, str]:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if version or self._version:
            headers["MCP-Protocol-Version"] = version or self._version or ""
        return {**headers, "Mcp-Session-Id": self._session_id} if self._session_id else headers

    async def _connect(self, traffic: Traffic) -> None:
        async with self._connecting:
            if self._version is None and not await self._discovered(traffic):
                await self._handshake(traffic)

    async def _discovered(self, traffic: Traffic) -> bool:
        """Send the discovery request of the newest revision; a server that does not know it gets the handshake."""
        try:
            async with asyncio.timeout(min(PROBE_SECONDS, self.endpoint.timeout_seconds / 3)):
                discovered = await self.request("server/discover", {}, traffic, version=STATELESS)
        except TimeoutError:
            traffic.records[-1].verdict = "timed out"
            return False
        except McpError as error:
            if error.status in {401, 403} or not error.is_answer:
                raise
            refuse_unsupported_versions(error)
            return False
        versions = discovered.get("supportedVersions")
        if not isinstance(versions, list) or STATELESS not in versions:
            return False
        self._version = STATELESS
        self.instructions = _text(discovered.get("instructions"))
        return True

    async def _handshake(self, traffic: Traffic) -> None:
        params = {"protocolVersion": OLDER[-1], "capabilities": {}, "clientInfo": CLIENT}
        self._session_id = ""
        initialized = await self.request("initialize", params, traffic)
        version = initialized.get("protocolVersion")
        if version not in OLDER:
            raise other_version([version])
        self._version = version
        self.instructions = _text(initialized.get("instructions"))
        await self._tell({"method": "notifications/initialized"}, traffic)

    async def _tell(self, message: Mapping[str, Any], traffic: Traffic) -> None:
        """Send a notification, which gets no response."""
        async with self._wire.answered("POST", self._headers(), _dumped({"jsonrpc": "2.0", **message}), traffic):
            pass

    async def _answer(self, response: httpx2.Response, request_id: int, traffic: Traffic) -> dict[str, Any]:
        """Return the message that responds to a request; for an HTTP error, the JSON-RPC error in its body."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code >= 300:
            raise await self._refusal(response, kind, request_id)
        if response.status_code == 202:
            raise McpError("it accepted the request but did not answer it")
        if kind == "text/event-stream":
            return await self._from_events(response, request_id, traffic)
        body = await response.aread()
        if not body:
            raise McpError("it accepted the request but did not answer it")
        if kind != "application/json" and body.lstrip()[:1] not in {
            b"{",
            b"[",
        }:  # some servers omit the JSON content type
            shown = quotable(kind)[:80] or "no content type"
            raise McpError(f"it answers with {shown}, which is not MCP; check the URL")
        if (message := answer_in(read_json(body), request_id)) is None:
            raise McpError("its answer does not belong to the request")
        return message

    async def _refusal(self, response: httpx2.Response, kind: str, request_id: int) -> McpError:
        body, message = b"", None
        if kind.endswith(("json", "text/plain")) and response.status_code >= 400:
            body = await response.aread()
            with suppress(McpError):
                message = read_json(body)
        words, code, data = error_of(message) or (message_in_body(message), None, None)
        if kind == "text/plain" and not words and not body.lstrip().startswith(b"<"):
            words = body[:WORDS_CHARS].decode("utf-8", "replace")
        error = self._wire.refusal(response, words)
        error.code, error.data = code, data
        return error

    async def _from_events(self, response: httpx2.Response, request_id: int, traffic: Traffic) -> dict[str, Any]:
        """Return the response from an event stream; a server may close a stream early and continue in another."""
        position = StreamPosition()
        if (message := await self._read(response, request_id, traffic, position)) is not None:
            return message
        for _ in range(MAX_RESUMED if position.last_id else 0):
            await asyncio.sleep(position.retry_seconds)
            headers = {**self._headers(), "Accept": "text/event-stream", "Last-Event-ID": position.last_id}
            async with self._wire.answered("GET", headers, None, traffic) as again:
                if again.status_code != 200:
                    raise self._wire.refusal(again)
                if (message := await self._read(again, request_id, traffic, position)) is not None:
                    return message
        raise McpError("its stream of events ended without an answer")

    async def _read(
        self, response: httpx2.Response, request_id: int, traffic: Traffic, position: "StreamPosition"
    ) -> dict[str, Any] | None:
        async for event in read_events(response, MAX_BYTES):
            position.note(event)
            if not event.data:
                continue
            try:
                message = read_json(event.data)
            except McpError:
                if event.event == "message":
                    raise
                continue  # such as an event without data, used as a ping
            if (answer := answer_in(message, request_id)) is not None:
                return answer
            if isinstance(message, dict) and "method" in message and "id" in message:
                await self._reply(message, traffic)
        return None

    async def _reply(self, request: Mapping[str, Any], traffic: Traffic) -> None:
        """Respond to a server's request during a call; this client offers no capabilities."""
        if request["method"] == "ping":
            await self._tell({"id": request["id"], "result": {}}, traffic)
        else:
            error = {"code": METHOD_NOT_FOUND, "message": "This client does not offer that."}
            await self._tell({"id": request["id"], "error": error}, traffic)


class Operation:
    """The requests of one operation, such as a call or a listing with several pages."""

    def __init__(self, session: McpSession, traffic: Traffic) -> None:
        self.session = session
        self._traffic = traffic

    async def request(
        self, method: str, params: Mapping[str, Any], *, headers: Callable[[], Mapping[str, str]] | None = None
    ) -> dict[str, Any]:
        """Send a request and return its result; retry once in a new session if the server has ended this one.

        Args:
            method: such as tools/call.
            params: as the protocol defines them.
            headers: returns additional headers, for the revision that uses them.

        Raises:
            McpError: there is no result.
        """
        session = self.session
        more = headers() if headers and session.is_stateless else {}
        had_session = session._session_id
        try:
            return await session.request(method, params, self._traffic, headers=more)
        except McpError as error:
            if not had_session or not _says_session_is_gone(error):
                raise
        # A server that does not know the session rejects the request before it does anything.
        if session._session_id == had_session:
            session._version, session._session_id = None, ""
        await session._connect(self._traffic)
        return await session.request(method, params, self._traffic)


def _says_session_is_gone(error: McpError) -> bool:
    """Tell whether a server rejects a session: with 404, as the protocol says, or with 400 and a message about it."""
    return error.status == 404 or (error.status == 400 and "session" in str(error).lower())


def _dumped(message: Mapping[str, Any]) -> bytes:
    return storable_json_text(orjson.dumps(message).decode()).encode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
