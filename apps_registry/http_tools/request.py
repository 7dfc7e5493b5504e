"""Builds the request of an HTTP tool from its definition and values.

Arguments of a model can never change the scheme, the host, the number of path segments, or the name of a header.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlencode

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.templates import Lookup, Missing, as_json, as_text, render_json, render_text, render_value
from apps_registry.outbound.client import OutboundRequest
from apps_registry.tools.base import ToolError

CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*\Z")
_SEPARATORS = re.compile(r"[/\\]")


def build_request(definition: HttpToolDefinition, lookup: Lookup) -> OutboundRequest:
    """Return the request.

    Args:
        definition: a valid definition (see `checks`).
        lookup: returns the values of placeholders.

    Raises:
        ToolError: a required value is missing, or cannot be used where the placeholder is.
    """
    url = _url(definition, lookup)
    pairs = list(_pairs(definition.query, lookup))
    query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
    body = _body(definition, lookup)
    headers = {} if body is None else {"Content-Type": CONTENT_TYPES[definition.body_type]}
    for name, value in _headers(definition, lookup):
        if name.lower() == "content-type":
            headers.pop("Content-Type", None)
        headers[name] = value
    return OutboundRequest(definition.method, url + query, headers, body)


def _url(definition: HttpToolDefinition, lookup: Lookup) -> str:
    try:
        url = render_text(definition.url, lookup, _path_text)
    except Missing as missing:
        raise _needed(missing) from None
    for segment in url.split("/")[3:]:
        if unquote(segment) in {".", ".."}:
            raise ToolError('a path cannot contain the segments "." and ".."')
    return url


def _path_text(value: str) -> str:
    """Encode a value as part of one path segment.

    Some servers decode a path several times before they split it, so dots are searched for at each level.
    """
    if not value:
        raise ToolError("an empty text cannot be part of a path")
    decoded = value
    for _ in range(3):
        if {".", ".."} & set(_SEPARATORS.split(decoded)):
            raise ToolError('a path cannot contain the segments "." and ".."')
        decoded = unquote(decoded)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise ToolError("a text contains characters that cannot be sent") from None


def _pairs(entries: Any, lookup: Lookup) -> Iterator[tuple[str, str]]:
    """Yield the entries of a query or form; a list becomes several entries with the same name."""
    for name, template in entries.items():
        try:
            value = render_value(template, lookup)
        except Missing:
            continue
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                yield name, _sendable(as_text(item))


def _headers(definition: HttpToolDefinition, lookup: Lookup) -> Iterator[tuple[str, str]]:
    for name, template in definition.headers.items():
        try:
            value = render_text(template, lookup).strip()
        except Missing:
            continue
        if not _HEADER_VALUE.match(value):
            raise ToolError(
                f"the value for the header {name} contains line breaks or characters that headers cannot contain"
            )
        yield name, value


def _body(definition: HttpToolDefinition, lookup: Lookup) -> bytes | None:
    template = definition.body
    try:
        match definition.body_type:
            case "json":
                return as_json(render_json(template, lookup)).encode()
            case "form":
                return urlencode(list(_pairs(template, lookup))).encode()
            case "text":
                return _sendable(render_text(template, lookup)).encode()
    except Missing as missing:
        raise _needed(missing) from None
    except ValueError:  # half of a surrogate pair, or an infinite number
        raise ToolError("the arguments contain something that cannot be written as JSON") from None
    return None


def _sendable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ToolError("a text contains characters that cannot be sent") from None
    return text


def _needed(missing: Missing) -> ToolError:
    namespace, _, name = missing.placeholder.partition(".")
    if namespace == "wallet":
        return ToolError(f"the user's wallet is needed ({name}), and the session has none")
    return ToolError(f'the argument "{name}" is needed')
