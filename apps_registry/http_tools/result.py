"""What of an answer the model gets to read."""

import codecs
import json
import re
from http import HTTPStatus
from typing import Any

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.json_path import NotThere, parse_path, pick
from apps_registry.outbound.client import OutboundResponse
from apps_registry.tools.base import ToolError

KEYS_NAMED = 20
TOO_DEEP = "the service's answer is nested too deeply"  # escapes in it would be read by the model alone
# What the web is written in. Python knows others that are no charsets, or take an hour for a megabyte (punycode).
_CHARSET = re.compile(r"(ascii|big5|cp|euc_|gb|iso|koi8|mac|shift_jis|tis-620|utf-(8|16|32))")


def read_result(response: OutboundResponse, definition: HttpToolDefinition) -> str:
    """Return the answer's text, whole; JSON in one spelling, so that no escape hides anything.

    Raises:
        ToolError: the server reports an error, or the answer is not what the definition expects.
    """
    text = body_text(response)
    if not 200 <= response.status < 300:
        raise ToolError(f"the service answered {_named(response.status)}{_excerpt(text)}")
    if not text and not definition.result_path:
        return json.dumps({"status": response.status})
    try:
        data = json.loads(text)
    except RecursionError:
        raise ToolError(TOO_DEEP) from None
    except ValueError:
        if definition.result_path:
            raise ToolError("the service's answer is not JSON") from None
        return text
    return _spelled(_picked(data, definition.result_path))


def body_text(response: OutboundResponse) -> str:
    """Return the body as text that can be stored."""
    try:
        encoding = codecs.lookup(response.encoding).name
    except (LookupError, ValueError):
        encoding = "utf-8"
    if not _CHARSET.match(encoding):
        encoding = "utf-8"
    text = response.body.decode(encoding, "replace")
    return storable(text)


def storable(text: str) -> str:
    """Return a text without NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def cut(text: str, max_chars: int) -> str:
    """Return the beginning of a text, with a note if that is not all."""
    if len(text) <= max_chars:
        return text
    return f"{text[:max_chars]}… (cut: the first {max_chars} of {len(text)} characters)"


def _picked(data: Any, path: str) -> Any:
    try:
        return pick(data, parse_path(path))
    except NotThere:
        has = f"; it has: {', '.join(list(data)[:KEYS_NAMED])}" if isinstance(data, dict) else ""
        raise ToolError(f"the service's answer has nothing at {path}{has}") from None


def _spelled(data: Any) -> str:
    try:
        return storable(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    except RecursionError:
        raise ToolError(TOO_DEEP) from None


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _excerpt(text: str) -> str:
    try:
        text = _spelled(json.loads(text))
    except (ValueError, RecursionError):
        text = text.strip()
    return f": {text}" if text else ""
