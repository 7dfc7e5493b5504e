"""Turns the result of an MCP tool into text for a model."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from apps_registry.http_tools.shortening import spelled
from apps_registry.mcp.errors import McpError
from apps_registry.support.text.outside_text import storable

_DATA = ("structuredContent", "toolResult")  # the latter is from the revision of October 2024
_KNOWN = frozenset({"content", *_DATA})
_ABOUT = frozenset({"_meta", "isError", "resultType"})  # metadata of a result, not part of it
UNREADABLE = "[a part that cannot be read]"


def read_result(result: Mapping[str, Any]) -> tuple[str, bool]:
    """Return a result's text, and whether the server marks it as an error.

    Structured content follows the text unless the text says the same. Many servers put only a summary in the text; the
    protocol merely recommends repeating the data there.

    Raises:
        McpError: this is not a result yet: the server asks for something first, or has started a task.
    """
    if result.get("resultType", "complete") == "input_required":
        raise McpError("the tool asks for input in the middle of its call, which is not supported")
    if "task" in result and "content" not in result:
        raise McpError("the server started a task instead of answering, and tasks are not supported")
    texts = [_part(part) for part in _parts(result.get("content"))]
    structured = next((result[name] for name in _DATA if result.get(name) is not None), None)
    if structured is None and not _KNOWN & result.keys():
        structured = {name: value for name, value in result.items() if name not in _ABOUT} or None
    if structured is not None and not _contains(texts, structured):
        texts.append(_serialised(structured))
    return storable("\n".join(texts)), str(result.get("isError")).lower() == "true"


def _parts(content: Any) -> list[Any]:
    """Return the parts of the content; hand-written servers may send a single part or a plain text."""
    if isinstance(content, list):
        return content
    return [content] if isinstance(content, dict | str) else []


def _contains(texts: list[str], structured: Any) -> bool:
    """Tell whether the texts contain the structured content: all of it in one text, or one text per list entry."""
    # Servers wrap a value that is not an object in an object with a single field.
    is_wrapped = isinstance(structured, dict) and list(structured) == ["result"]
    variants = [structured, structured["result"]] if is_wrapped else [structured]
    parsed_texts = [_loaded(text) for text in texts]
    return any([variant] in (parsed_texts, texts) or variant in (parsed_texts, texts) for variant in variants)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _serialised(data: Any) -> str:
    try:
        return spelled(data)
    except (ValueError, RecursionError):
        return "[structured content that is nested too deeply]"


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return UNREADABLE
    kind = part.get("type", "text")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read:
        return read(part)
    media = part.get("mimeType")
    if isinstance(kind, str) and media is None and "data" not in part:
        return _serialised({name: value for name, value in part.items() if name != "type"})
    return f"[{str(kind)[:40]} that is not shown: {media[:80] if isinstance(media, str) else ''}]"


def _text(part: Mapping[str, Any]) -> str:
    if "text" not in part:
        return UNREADABLE
    text = part["text"]
    return text if isinstance(text, str) else "" if text is None else _serialised(text)


def _resource(part: Mapping[str, Any]) -> str:
    resource = part.get("resource")
    if not isinstance(resource, dict):
        return UNREADABLE
    text = resource.get("text")
    if isinstance(text, str):
        return text
    media = resource.get("mimeType")
    kind = f" ({media[:80]})" if isinstance(media, str) else ""
    return f"[a resource that is not text: {str(resource.get('uri'))[:500]}{kind}]"


def _link(part: Mapping[str, Any]) -> str:
    return f"[resource {str(part.get('name'))[:200]}: {str(part.get('uri'))[:500]}]"


_READERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "text": _text,
    "resource": _resource,
    "resource_link": _link,
}
