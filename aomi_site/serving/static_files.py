"""The apps' static files, served on the event loop: no thread, no database connection, one copy of their bytes.

ServeStatic's middleware would run the admin's middleware chain, and open a thread and a file for each response.
"""

import contextlib
from typing import Any

from cachetools import LRUCache
from django.http import HttpRequest, HttpResponse
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import Response

from aomi_site.serving.api_handler import in_time
from aomi_site.serving.responses import Receive, Scope, Send

CACHE_MAX_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024
# The headers that affect the response. Ranges are not supported, as HTTP allows, because no file is large.
CONDITIONS = {
    b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"if-modified-since": "HTTP_IF_MODIFIED_SINCE",
    b"accept-encoding": "HTTP_ACCEPT_ENCODING",
}


class StaticFiles:
    """An ASGI application that serves the files that existed when the server started."""

    def __init__(self) -> None:
        self._files: dict[str, Any] = ServeStaticMiddleware(_not_found).files
        self._contents: LRUCache[str, bytes] = LRUCache(CACHE_MAX_BYTES, getsizeof=len)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the file at the scope's path; a client that stops reading is disconnected."""
        conditions = {
            CONDITIONS[name]: value.decode("latin-1") for name, value in scope["headers"] if name in CONDITIONS
        }
        response = self._files[scope["path"]].get_response(scope["method"], conditions)
        content = self._content(response)
        send = in_time(send)
        with contextlib.suppress(TimeoutError):
            start = {"status": int(response.status), "headers": _headers(response, content)}
            await send({"type": "http.response.start", **start})
            for offset in range(0, len(content), PIECE_BYTES):
                piece = content[offset : offset + PIECE_BYTES]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})

    def _content(self, response: Response) -> bytes:
        file: Any = response.file
        if file is None:
            return b""
        with file:
            content: bytes = self._contents.get(file.name) or file.read()
        with contextlib.suppress(ValueError):  # larger than the cache
            self._contents[file.name] = content
        return content


def _headers(response: Response, content: bytes) -> list[tuple[bytes, bytes]]:
    """Return ServeStatic's headers with the current length, since an upgrade may have replaced the file."""
    headers = [(name.encode(), value.encode()) for name, value in response.headers if value is not None]
    if response.file is not None:
        headers = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        headers.append((b"Content-Length", str(len(content)).encode()))
    return [*headers, (b"X-Content-Type-Options", b"nosniff")]


async def _not_found(request: HttpRequest) -> HttpResponse:
    """Return 404: the middleware requires a next handler, and there is none."""
    return HttpResponse(status=404)
