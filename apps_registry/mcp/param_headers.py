"""Arguments that a server of 2026-07-28 wants in headers too, so that what stands before it can route by them."""

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
    """Return a text as a header carries it: as it is, or in base64 with a mark."""
    if _PLAIN.match(text) and text == text.strip() and not _ENCODED.match(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="


def find_problem(schema: Mapping[str, Any]) -> str | None:
    """Return why a tool's marked arguments cannot be sent, as a sentence; None: they can."""
    seen: set[str] = set()
    for path, node in _marked(schema):
        token = node[MARK]
        is_name = isinstance(token, str) and _TOKEN.match(token) and token.lower() not in seen
        if not is_name or not isinstance(node.get("type"), str) or node["type"] not in TYPES:
            return f"The argument {'.'.join(path)[:80]!r} cannot be sent in a header as its {MARK} says."
        seen.add(token.lower())
    return None


def param_headers(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that go with a call's arguments."""
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
    """Yield what is marked and reached by names of properties alone; elsewhere the mark means nothing."""
    properties = schema.get("properties")
    for name, node in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(node, Mapping):
            if MARK in node:
                yield (*path, name), node
            yield from _marked(node, (*path, name))
