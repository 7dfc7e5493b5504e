"""Repeats arguments in headers, as revision 2026-07-28 allows, so that proxies in front of a server can use them."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

MARK = "x-mcp-header"
PREFIX = "Mcp-Param-"
TYPES = frozenset({"integer", "string", "boolean"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")  # RFC 9110, section 5.6.2
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_ENCODED = re.compile(r"=\?base64\?.*\?=\Z")

Path = tuple[str, ...]


def header_value(text: str) -> str:
    """Return a text as a header value: unchanged if possible, otherwise in base64 with a marker."""
    if _PLAIN.match(text) and text == text.strip() and not _ENCODED.match(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="


def find_problem(schema: Mapping[str, Any]) -> str | None:
    """Return why a tool's marked arguments cannot be sent, as a sentence; None if they can."""
    seen_names: set[str] = set()
    for path, node in _marked(schema):
        token = node[MARK]
        is_name = isinstance(token, str) and _TOKEN.match(token) and token.lower() not in seen_names
        if not is_name or not isinstance(node.get("type"), str) or node["type"] not in TYPES:
            return f"The argument {'.'.join(path)[:80]!r} cannot be sent in a header as its {MARK} says."
        seen_names.add(token.lower())
    return None


def param_headers(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers for a call's arguments."""
    headers = {}
    for path, node in _marked(schema):
        value: Any = arguments
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, str | int | float):
            headers[f"{PREFIX}{node[MARK]}"] = header_value(str(value))
    return headers


def _marked(schema: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the marked arguments that property names alone lead to; elsewhere the mark has no meaning."""
    properties = schema.get("properties")
    for name, node in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(node, Mapping):
            if MARK in node:
                yield (*path, name), node
            yield from _marked(node, (*path, name))
