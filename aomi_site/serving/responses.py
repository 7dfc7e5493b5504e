"""The headers that every response has, whichever handler created it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from apps_registry.support.http.request_ids import loggable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

FIRST_ERROR = 400
# These override values from views and middleware.
_REPLACED = frozenset({b"x-request-id", b"x-content-type-options"})
_REPLACED_WITH_CACHING = _REPLACED | {b"cache-control", b"expires"}


def with_common_headers(headers: Iterable[tuple[bytes, bytes]], *, path: str, status: int, request_id: str) -> Headers:
    """Return a response's headers together with the common ones.

    Only static files and `/livez` may be cached: all sessions share one URL, and a proxy that caches everything would
    show one caller's conversation to the next. `Access-Control-Max-Age` alone controls the cache of preflights.

    Args:
        headers: from the handler.
        path: of the request.
        status: of the response.
        request_id: created by this server.
    """
    is_cacheable = status < FIRST_ERROR and (path == "/livez" or path.startswith(str(settings.STATIC_URL)))
    replaced = _REPLACED if is_cacheable else _REPLACED_WITH_CACHING
    kept = [(name, value) for name, value in headers if name.lower() not in replaced]
    kept += [(b"x-content-type-options", b"nosniff"), (b"x-request-id", request_id.encode())]
    return kept if is_cacheable else [*kept, (b"cache-control", b"no-store")]


async def send_plain(response: HttpResponse, send: Send) -> None:
    """Send a response without Django's handler."""
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def callers_request_id(scope: Scope) -> str:
    """Return the request id that the caller sent, in a form that is safe to log; empty if there is none."""
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return loggable(sent.decode("latin-1"))
