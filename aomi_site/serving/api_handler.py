"""A lean ASGI path for the API: Django's own handler, but without a thread per request.

The stock handler opens a thread for every request that reaches a synchronous receiver, middleware or render;
2,000 open streams took 2,000 threads. Here views are coroutines, rendering happens on the event loop,
and the admin's middleware (sessions, CSRF, messages) does not run.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404

from aomi_site.serving.body_length import AnyLengthHandler
from aomi_site.serving.cors import note_origin
from aomi_site.serving.early_refusals import early_refusal, has_origin, key_header_of
from aomi_site.serving.fair_start import fair_start, holders
from aomi_site.serving.responses import Receive, Scope, Send, send_plain
from apps_registry.support import database
from apps_registry.support.descriptors import budget
from apps_registry.support.http.paths import API_PREFIXES, LIVE_PREFIX
from apps_registry.support.http.request_notes import request_notes
from chat.api.unreadable import unreadable_field
from chat.doors.errors import not_found, plain_problem
from keys.addresses import network_of
from keys.guards.streams import StreamLease, streams
from keys.http.streams import LEASE, asks_for_stream

STALL_SECONDS = 30.0
STREAM_RETRY_SECONDS = 5
# The key in a request's META for a refusal that was decided before any view ran.
REFUSAL = "aomi.refusal"


class BodyTooLarge(Exception):
    """The client sends more than API_BODY_MAX_BYTES."""


async def _cancel_on_disconnect(receive: Receive, answering: "asyncio.Task[None] | None") -> None:
    """Cancel the response when the client disconnects."""
    await receive()
    if answering is not None:
        answering.cancel()


def in_time(send: Send) -> Send:
    """Return `send` with a limit of STALL_SECONDS for each message."""

    async def send_in_time(message: Mapping[str, Any]) -> None:
        async with asyncio.timeout(STALL_SECONDS):
            await send(message)

    return send_in_time


def _too_many_streams(path: str) -> HttpResponse:
    detail = "The server has reached its limit of event streams."
    refusal = plain_problem(path, "overloaded", detail, rule="streams_of_worker")
    refusal.headers["Retry-After"] = str(STREAM_RETRY_SECONDS)
    return refusal


def _malformed(scope: Scope) -> HttpResponse:
    """Return the refusal of a request whose query string has bytes that are not UTF-8."""
    name = unreadable_field(scope["query_string"])
    detail = "The request line is malformed." if name is None else f"{name} is not valid UTF-8 text."
    return plain_problem(scope["path"], "invalid_request", detail, param=name or "query")


class ApiHandler(AnyLengthHandler):
    """Serves coroutine views on the event loop."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of the API: CORS headers around Django's conversion of exceptions to responses."""
        views: Any = convert_exception_to_response(self._get_response_async)
        self._middleware_chain = convert_exception_to_response(CorsMiddleware(views))
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request in its turn; if the client disconnects, cancel the view."""
        if not scope["path"].startswith(API_PREFIXES):
            await self._serve(scope, receive, send)
            return
        key_header = key_header_of(scope)
        is_holder = key_header is not None and holders.knows(key_header)
        database.give_way(to_others=not is_holder)
        if not is_holder:
            address = network_of(scope["client"][0] if scope.get("client") else "")
            await fair_start.turn(address)
            if refusal := await early_refusal(scope, address, has_key=key_header is not None):
                await self._refuse(refusal, scope, send)
                return
        await self._serve(scope, receive, send)
        if key_header is not None:
            notes = request_notes()
            # A holder over its limits has no precedence.
            holders.note(key_header, is_holder=notes.is_holder and notes.code != "rate_limited")

    async def _refuse(self, refusal: HttpResponse, scope: Scope, send: Send) -> None:
        """Send a refusal, with the CORS headers that a view would add."""
        if has_origin(scope):
            request, _ = self.create_request(scope, BytesIO())
            if request is not None:
                await note_origin(request)
                CorsMiddleware(lambda _: refusal)(request)
        await send_plain(refusal, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes | None = b""
        refusal = None
        try:
            body = await self._read(receive)
        except BodyTooLarge:
            detail = f"The request body is over the limit of {settings.API_BODY_MAX_BYTES} bytes."
            refusal = plain_problem(scope["path"], "message_too_large", detail, rule="body_too_large")
        if body is None:
            return
        request, _ = self.create_request(scope, BytesIO(body))
        if request is None:
            await self.send_response(_malformed(scope), send)
            return
        request.META[REFUSAL] = refusal
        watch = asyncio.create_task(_cancel_on_disconnect(receive, asyncio.current_task()))
        answer = self._answer(request, send)
        del request  # the answer drops it as soon as it can
        # Cancelled when the client disconnects or reads too slowly, or when the response takes too long: no client is
        # left to respond to.
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await answer
        finally:
            watch.cancel()

    async def _answer(self, request: ASGIRequest, send: Send) -> None:
        await note_origin(request)
        # Counted before the view runs; otherwise many concurrent requests could all pass the limit.
        is_stream = asks_for_stream(request)
        if is_stream and self._streams >= budget().streams:
            request.META[REFUSAL] = _too_many_streams(request.path)
        self._streams += is_stream
        lease = request.META[LEASE] = StreamLease()  # its caller is counted once it is known
        try:
            response: Any = await self._middleware_chain(request)  # type: ignore[misc]  # always async here
            request.close()
            if is_stream and not response.streaming:
                response.headers["Connection"] = "close"  # if it stayed open, it would still count as a connection
            if response.streaming and not is_stream:  # a protocol whose body asks for the stream
                is_stream = True
                self._streams += 1
            if request.method == "HEAD" and response.streaming:  # the events of a HEAD request would never be sent
                response = HttpResponse(status=response.status_code, headers=response.headers)
            del request  # a stream may be open for hours and does not need the request
            await self._send(response, send)
        finally:
            self._streams -= is_stream
            streams.release(lease)

    async def _send(self, response: Any, send: Send) -> None:
        with contextlib.suppress(TimeoutError):  # a client that reads nothing for that long is disconnected
            if response.streaming:
                await self.send_response(response, in_time(send))
            else:
                async with asyncio.timeout(STALL_SECONDS):
                    await self.send_response(response, send)

    async def _get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        if refusal := request.META[REFUSAL]:
            return cast(HttpResponseBase, refusal)
        try:
            if request.path.startswith((*API_PREFIXES, LIVE_PREFIX)):  # probes use the machine's own address
                request.get_host()  # refuses unknown hosts: another site may have pointed its own name at this server
            callback, args, kwargs = self.resolve_request(request)
        except DisallowedHost:
            detail = "The Host header is not one that this server answers to."
            return plain_problem(request.path, "invalid_request", detail, param="Host")
        except Resolver404 as error:
            return not_found(request, error)
        response: HttpResponseBase = await callback(request, *args, **kwargs)
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body; None if the client has disconnected."""
        chunks, length = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            length += len(chunk)
            if length > settings.API_BODY_MAX_BYTES:
                raise BodyTooLarge
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
