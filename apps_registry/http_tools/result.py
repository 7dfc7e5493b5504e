"""Makes the result for the model from a response."""

import json
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.formats import html
from apps_registry.http_tools.decoding import is_binary, is_html
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.json_bodies import read_json
from apps_registry.http_tools.json_path import NotThere, parse_path, pick
from apps_registry.http_tools.shortening import spelled
from apps_registry.outbound.client import OutboundResponse
from apps_registry.support.http.statuses import named_status
from apps_registry.support.text.charsets import decode_answer
from apps_registry.support.text.outside_text import storable, storable_json_text
from apps_registry.tools.base import ToolError

MAX_KEYS_LISTED = 20
TOO_DEEP = "the service's answer is nested too deeply"  # its escapes could hide text from people


def read_result(response: OutboundResponse, definition: HttpToolDefinition) -> str:
    """Return the complete text of a response; JSON is written without escapes, which could hide text from people.

    Raises:
        ToolError: the server reports an error, or the response does not match the definition.
    """
    text = "" if definition.method == "HEAD" else readable_text(response)
    if not 200 <= response.status < 300:
        raise ToolError(f"the service answered {named_status(response.status)}{_excerpt(text)}")
    headers = _chosen_headers(response, definition)
    if not text and not definition.result_path:
        return json.dumps({"status": response.status, **_location(response), **headers})
    try:
        data = read_json(text, response.media_type if definition.result_path else "")
    except RecursionError:
        raise ToolError(TOO_DEEP) from None
    except ValueError:
        if definition.result_path:
            raise ToolError("the service's answer is not JSON") from None
        return _spelled({**headers, "body": text}) if headers else text
    picked = _picked(data, definition.result_path)
    return _spelled({**headers, "body": picked} if headers else picked)


def readable_text(response: OutboundResponse) -> str:
    """Return the readable text of a body: text as it is, the visible text of HTML, the media type of binary data."""
    text = body_text(response)
    if is_binary(text):
        kind = response.media_type or "of an unknown type"
        return _spelled({"binary": kind, "bytes": len(response.body), "note": "not shown, since it is not text"})
    return _page_text(text) if is_html(response.body, response.media_type) else text


def body_text(response: OutboundResponse) -> str:
    """Return the body as storable text."""
    return storable(decode_answer(response.body, response.encoding))


def _page_text(text: str) -> str:
    try:
        reading = html.read(text.encode())
    except UnreadableError:
        return text
    lines = [reading.title] if reading.title else []
    for heading, blocks in groupby(reading.blocks, key=lambda block: block.heading):
        if heading:
            lines.append(f"# {' > '.join(heading)}")
        lines += [block.text for block in blocks]
    return "\n\n".join(lines)


def _chosen_headers(response: OutboundResponse, definition: HttpToolDefinition) -> dict[str, Mapping[str, str]]:
    names = [name.lower() for name in definition.result_headers]
    present = {name: response.headers[name] for name in names if name in response.headers}
    return {"headers": present} if names else {}


def _location(response: OutboundResponse) -> dict[str, str]:
    """Return the Location header: a response without a body often has no other information."""
    return {"location": response.headers["location"]} if "location" in response.headers else {}


def _picked(data: Any, path: str) -> Any:
    try:
        return pick(data, parse_path(path))
    except NotThere:
        keys = f"; it has: {', '.join(list(data)[:MAX_KEYS_LISTED])}" if isinstance(data, dict) else ""
        raise ToolError(f"the service's answer has nothing at {path}{keys}") from None


def _spelled(data: Any) -> str:
    try:
        return storable_json_text(spelled(data))
    except RecursionError:
        raise ToolError(TOO_DEEP) from None


def _excerpt(text: str) -> str:
    try:
        text = _spelled(json.loads(text))
    except (ValueError, RecursionError):
        text = text.strip()
    return f": {text}" if text else ""
