"""Finds which parameter of a request is not text in its charset: what decodes it would replace that silently."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import ParseError

from apps_registry.support.text.plain_json import check_depth

UTF_8 = "utf-8"
# What decoders write in the place of bytes that are not text; a caller may also send it.
REPLACEMENT = "\ufffd"


class Unreadable(ParseError):
    """A parameter is not text in its charset.

    Attributes:
        param: its name, or its path in a JSON body.
        problem: what is wrong with it.
    """

    default_code = "invalid_request"

    def __init__(self, param: str, charset: str = UTF_8) -> None:
        self.param, self.problem = param, f"it is not valid {charset.upper()} text"
        super().__init__(f"{param} is not valid {charset.upper()} text.")


def check_query(request: HttpRequest) -> None:
    """Refuse a query string that is not text.

    Raises:
        Unreadable: a name or a value in it is not.
    """
    if request.META.get("QUERY_STRING"):
        _check(request.GET, request.META["QUERY_STRING"].encode(), request.encoding or UTF_8)


def read_form(body: bytes, charset: str) -> QueryDict:
    """Parse a URL-encoded form.

    Raises:
        Unreadable: a name or a value in it is not text in its charset.
    """
    try:
        fields = QueryDict(body.decode(charset), encoding=charset)
    except UnicodeDecodeError:
        raise Unreadable(unreadable_field(body, charset) or "body", charset) from None
    _check(fields, body, charset)
    return fields


def unreadable_field(encoded: bytes, charset: str = UTF_8) -> str | None:
    """Return the name of the first field of URL-encoded data that is not text; None if all are."""
    for field in encoded.replace(b"+", b" ").split(b"&"):
        try:
            unquote_to_bytes(field).decode(charset)
        except UnicodeDecodeError:
            return unquote_to_bytes(field.partition(b"=")[0]).decode(charset, "replace")
    return None


def unreadable_value(body: bytes, *, max_depth: int) -> str | None:
    """Return the path of the first value in a JSON body that is not UTF-8; None if that is not what is wrong with it.

    Args:
        body: the body.
        max_depth: how deep lists and objects may be nested.
    """
    try:
        # Bytes that are not UTF-8 become halves of surrogate pairs, as do those that are sent as escapes.
        data = json.loads(body.decode(UTF_8, "surrogateescape"))
        check_depth(data, max_depth)
    except (ValueError, RecursionError):
        return None
    return next(_unreadable(data, ""), None)


def _check(fields: QueryDict, encoded: bytes, charset: str) -> None:
    """Check the encoded data, but only if the decoded data has a replacement character."""
    if not any(REPLACEMENT in text for name, values in fields.lists() for text in (name, *values)):
        return
    if (name := unreadable_field(encoded, charset)) is not None:
        raise Unreadable(name, charset)


def _unreadable(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and not _is_text(value):
        yield path
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _unreadable(child, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, child in value.items():
            child_path = f"{path}.{name}" if path else name
            if not _is_text(name):
                yield child_path.encode(UTF_8, "replace").decode()
            yield from _unreadable(child, child_path)


def _is_text(text: str) -> bool:
    try:
        text.encode(UTF_8)
    except UnicodeEncodeError:
        return False
    return True
