"""JSON-RPC messages as servers write them, read without ever failing in the words of a library."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from apps_registry.mcp.errors import McpError

# CPython refuses to read more digits than 4,300; far fewer are no number that any tool means.
MAX_DIGITS = 400


def read_json(data: bytes | str) -> Any:
    """Return what a JSON text says; an integer of too many digits is infinite, which JSON cannot say.

    Raises:
        McpError: it is no JSON, or nested too deeply.
    """
    text = data if isinstance(data, str) else data.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise McpError("its answer is nested too deeply") from None
    except ValueError:
        raise McpError("its answer is not JSON") from None


async def read_events(response: httpx2.Response, max_bytes: int) -> AsyncIterator[httpx2.ServerSentEvent]:
    """Yield the events of a stream until it ends or breaks.

    Raises:
        McpError: it is no stream of events.
    """
    # The standard drops a last event without an empty line after it, which some servers leave out.
    ended = httpx2.Response(
        response.status_code, headers=response.headers, stream=_Ended(response), request=response.request
    )
    try:
        async for event in httpx2.EventSource(ended, max_event_size=max_bytes):
            yield event
    except httpx2.SSEError:
        raise McpError("its stream of events cannot be read") from None


class _Ended(httpx2.AsyncByteStream):
    """The body of a stream of events, with an empty line at its end."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_bytes():
            yield chunk
        yield b"\n\n"


def answer_in(message: Any, request_id: int) -> dict[str, Any] | None:
    """Return the message that answers a request, which may be one of a batch (2025-03-26); None: there is none."""
    for each in message if isinstance(message, list) else [message]:
        if is_answer(each, request_id):
            return dict(each)
    return None


def is_answer(message: Any, request_id: int) -> bool:
    """Tell whether a message answers a request; an error whose id is null answers whatever was asked."""
    if not isinstance(message, dict) or "method" in message:
        return False
    is_mine = message.get("id") in (request_id, str(request_id)) and not isinstance(message.get("id"), bool)
    return is_mine or (message.get("id") is None and "error" in message)


def error_of(message: Any) -> tuple[str, int | None, Any] | None:
    """Return a JSON-RPC error's words, with those of its data, its code and its data; None: the message is none."""
    error = message.get("error") if isinstance(message, dict) else None
    if isinstance(error, str) and error:
        return words_of_body(message), None, None
    if not isinstance(error, dict):
        return None
    words, code, data = error.get("message"), error.get("code"), error.get("data")
    is_code = isinstance(code, int) and not isinstance(code, bool)
    said = words if isinstance(words, str) else ""
    more = _words_of(data)
    joined = ": ".join(filter(None, (said, "" if more in said else more)))
    return joined, code if is_code else None, data


def words_of_body(message: Any) -> str:
    """Return what an error says that is JSON, but not JSON-RPC: of a gateway, a framework, OAuth."""
    if not isinstance(message, dict):
        return ""
    said = (message.get(name) for name in ("error_description", "detail", "message", "error", "title"))
    return next((each for each in said if isinstance(each, str) and each), "")


def _words_of(data: Any) -> str:
    """Return what the data of an error adds to its message; of a page that the user shall visit, its address."""
    if isinstance(data, str):
        return data
    pages = data.get("elicitations") if isinstance(data, dict) else None
    if isinstance(pages, list):
        addresses = [each["url"] for each in pages[:3] if isinstance(each, dict) and isinstance(each.get("url"), str)]
        return "open " + ", ".join(addresses) if addresses else ""
    return words_of_body(data)


def _integer(digits: str) -> int | float:
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf
