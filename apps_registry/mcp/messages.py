"""Reads JSON-RPC messages from servers. All errors have our own messages, never those of a library."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from apps_registry.mcp.errors import McpError

# CPython refuses to read more than 4,300 digits; no tool needs nearly that many.
MAX_DIGITS = 400
MAX_RETRY_SECONDS = 5.0


def read_json(data: bytes | str) -> Any:
    """Parse JSON; an integer with too many digits becomes infinity, which valid JSON cannot contain.

    Raises:
        McpError: it is not JSON, or it is nested too deeply.
    """
    text = data if isinstance(data, str) else data.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise McpError("its answer is nested too deeply") from None
    except ValueError:
        raise McpError("its answer is not JSON") from None


async def read_events(response: httpx2.Response, max_bytes: int) -> AsyncIterator[httpx2.ServerSentEvent]:
    """Yield the events of a stream until it ends or breaks off.

    Raises:
        McpError: it is not an event stream.
    """
    # The standard drops a last event that no blank line follows, and some servers leave that line out.
    ended = httpx2.Response(
        response.status_code, headers=response.headers, stream=_TerminatedStream(response), request=response.request
    )
    try:
        async for event in httpx2.EventSource(ended, max_event_size=max_bytes):
            yield event
    except httpx2.SSEError:
        raise McpError("its stream of events cannot be read") from None


class _TerminatedStream(httpx2.AsyncByteStream):
    """The body of an event stream, with a blank line added at its end."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_bytes():
            yield chunk
        yield b"\n\n"


class StreamPosition:
    """How far an event stream has been read."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_seconds = 1.0

    def note(self, event: httpx2.ServerSentEvent) -> None:
        """Remember the id of an event, and the pause that the server asks for before a new connection."""
        # The id is sent back in a header, so it must be valid there.
        self.last_id = event.id if event.id and event.id.isprintable() and event.id.isascii() else self.last_id
        if event.retry is not None:
            self.retry_seconds = min(event.retry / 1000, MAX_RETRY_SECONDS)


def answer_in(message: Any, request_id: int) -> dict[str, Any] | None:
    """Return the response to a request, alone or in a batch (2025-03-26); None if there is none."""
    for candidate in message if isinstance(message, list) else [message]:
        if is_answer(candidate, request_id):
            return dict(candidate)
    return None


def is_answer(message: Any, request_id: int) -> bool:
    """Tell whether a message responds to a request; an error whose id is null responds to any request."""
    if not isinstance(message, dict) or "method" in message:
        return False
    has_id = message.get("id") in (request_id, str(request_id)) and not isinstance(message.get("id"), bool)
    return has_id or (message.get("id") is None and "error" in message)


def error_of(message: Any) -> tuple[str, int | None, Any] | None:
    """Return the message (with text from the data), code and data of a JSON-RPC error; None if it is not an error."""
    error = message.get("error") if isinstance(message, dict) else None
    if isinstance(error, str) and error:
        return message_in_body(message), None, None
    if not isinstance(error, dict):
        return None
    words, code, data = error.get("message"), error.get("code"), error.get("data")
    is_code = isinstance(code, int) and not isinstance(code, bool)
    message_text = words if isinstance(words, str) else ""
    more = _message_in_data(data)
    joined = ": ".join(filter(None, (message_text, "" if more in message_text else more)))
    return joined, code if is_code else None, data


def message_in_body(message: Any) -> str:
    """Return the message of a JSON error that is not JSON-RPC, such as one from a gateway, a framework or OAuth."""
    if not isinstance(message, dict):
        return ""
    candidates = (message.get(name) for name in ("error_description", "detail", "message", "error", "title"))
    return next((text for text in candidates if isinstance(text, str) and text), "")


def _message_in_data(data: Any) -> str:
    """Return the text that an error's data adds to its message, such as the URL of a page that the user must visit."""
    if isinstance(data, str):
        return data
    pages = data.get("elicitations") if isinstance(data, dict) else None
    if isinstance(pages, list):
        addresses = [page["url"] for page in pages[:3] if isinstance(page, dict) and isinstance(page.get("url"), str)]
        return "open " + ", ".join(addresses) if addresses else ""
    return message_in_body(data)


def _integer(digits: str) -> int | float:
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf
