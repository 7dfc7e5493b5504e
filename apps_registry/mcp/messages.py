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
    try:
        async for event in httpx2.EventSource(response, max_event_size=max_bytes):
            yield event
    except httpx2.SSEError:
        raise McpError("its stream of events cannot be read") from None


def is_answer(message: Any, request_id: int) -> bool:
    """Tell whether a message answers a request; an error whose id is null answers whatever was asked."""
    if not isinstance(message, dict) or "method" in message:
        return False
    is_mine = message.get("id") in (request_id, str(request_id)) and not isinstance(message.get("id"), bool)
    return is_mine or (message.get("id") is None and "error" in message)


def error_of(message: Any) -> tuple[str, int | None, Any] | None:
    """Return a JSON-RPC error's words, code and data; None: the message is none."""
    error = message.get("error") if isinstance(message, dict) else None
    if not isinstance(error, dict):
        return None
    words, code = error.get("message"), error.get("code")
    is_code = isinstance(code, int) and not isinstance(code, bool)
    return words if isinstance(words, str) else "", code if is_code else None, error.get("data")


def _integer(digits: str) -> int | float:
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf
