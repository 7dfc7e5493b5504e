"""Parses request bodies: JSON under any of its media types, or a form; everything else is refused."""

import codecs
from collections.abc import Mapping, Sequence
from typing import IO, Any

from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps_registry.support.text.plain_json import TooDeep, TooMany, check_size, read_json
from chat.api.unreadable import Unreadable, read_form, unreadable_value

JSON_TYPES = frozenset({"application/json", "text/json"})
FORM_TYPE = "application/x-www-form-urlencoded"
# Django decodes with any codec that the charset names, and some Python codecs do not produce text.
FORM_CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})

# Deeper than the JSON that fields may contain, so that too deep a field gets the error that names the field's limit.
MAX_DEPTH = 200
# Far more than a request needs; a user_state may have 1,000 entries.
MAX_VALUES = 20_000


class JSONParser(BaseParser):
    """Reads JSON strictly: no NaN, no lone surrogates, no nesting that exhausts the stack."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body's object.

        Raises:
            Unreadable: a value in it is not UTF-8.
            ParseError: it is anything else.
        """
        body = _without_bom(stream.read())
        if not body.strip():
            return {}
        try:
            check_size(body, max_values=MAX_VALUES, max_depth=MAX_DEPTH)
            data = read_json(body, max_depth=MAX_DEPTH)
        except TooDeep:
            raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep.") from None
        except TooMany:
            raise ParseError(f"The body contains more than {MAX_VALUES:,} values.") from None
        except ValueError:
            if (path := unreadable_value(body, max_depth=MAX_DEPTH)) is not None:
                raise Unreadable(path) from None
            raise ParseError("The body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise ParseError("The body is not a JSON object.")
        return data


class FormParser(BaseParser):
    """Reads URL-encoded forms."""

    media_type = FORM_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> QueryDict:
        """Return the fields.

        Raises:
            ParseError: the body is JSON, which curl sends as a form by default.
            Unreadable: a field is not text in the charset.
            UnsupportedMediaType: the charset is not one for forms.
        """
        charset = (parser_context or {}).get("encoding") or "utf-8"
        if codecs.lookup(charset).name not in FORM_CHARSETS:
            raise UnsupportedMediaType("", detail="The body's charset is not one for forms; send UTF-8.")
        body = _without_bom(stream.read())
        if body.lstrip()[:1] == b"{":
            raise ParseError("The body is JSON, but its Content-Type says that it is a form; send application/json.")
        return read_form(body, charset)


def parser_for(content_type: str, parsers: Sequence[BaseParser]) -> BaseParser | None:
    """Return the parser for a body of this media type, or None."""
    media_type = content_type.split(";", maxsplit=1)[0].strip().lower()
    is_json = media_type in JSON_TYPES or media_type.endswith("+json")
    parser_type = JSONParser.media_type if is_json else media_type
    return next((parser for parser in parsers if parser.media_type == parser_type), None)


def check_body(request: Request) -> None:
    """Refuse a body that no parser accepts, even if the handler would not read it.

    Raises:
        UnsupportedMediaType: the body has another media type, or is compressed.
    """
    http: HttpRequest = request._request
    if not has_body(http):
        return
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType("", detail="The body has a Content-Encoding; send it without one.")
    parsers = request.parsers or ()
    if parser_for(request.content_type or "", parsers) is None:
        accepted = " or ".join(parser.media_type for parser in parsers)
        problem = "has an unsupported Content-Type" if request.content_type else "has no Content-Type"
        raise UnsupportedMediaType("", detail=f"The body {problem}; send {accepted}.")


def has_body(request: HttpRequest) -> bool:
    """Return whether a request has a body; see aomi_site/serving/body_length.py."""
    return request.META.get("CONTENT_LENGTH") not in {None, "", "0"}


def _without_bom(body: bytes) -> bytes:
    return body.removeprefix(codecs.BOM_UTF8)
