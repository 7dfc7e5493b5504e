"""Errors, headers of answers, and keys, as components of the OpenAPI document."""

from http import HTTPStatus

from drf_spectacular.plumbing import ComponentRegistry

from chat.api.errors import codes
from chat.schema.types import Schema, add_schema, answer_schema, ref
from chat.wire.problem import Problem
from chat.wire.values import EXAMPLE_REQUEST

UUID: Schema = {"type": "string", "format": "uuid"}
HEADERS: dict[str, Schema] = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "AppKey"}},
    "X-Next-Cursor": {
        "description": "The `cursor` of the next page; absent on the last page.",
        "schema": {"type": "string"},
    },
    "X-Request-Id": {"description": "Of the server's making.", "required": True, "schema": UUID},
}
SECURITY_SCHEMES: dict[str, Schema] = {
    "AppKey": {
        "type": "apiKey",
        "in": "header",
        "name": "AOMI-APP-KEY",
        "description": "Needed for every App but the default one. A wrong key is refused everywhere.",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as `Authorization: Bearer sk-…`."},
}
SECURITY: list[Schema] = [{}, {"AppKey": []}, {"Bearer": []}]
# status: (when, headers); the code words are those of chat/api/errors.py.
PROBLEMS: dict[int, tuple[str, list[str]]] = {
    400: ("A parameter is missing or malformed; `detail` names it.", []),
    401: ("An App key is needed and missing, or not valid.", ["WWW-Authenticate"]),
    403: ("The key does not open this App or this session.", []),
    404: ("There is no such session.", []),
    409: ("A turn is running; nothing was stored.", ["Retry-After"]),
    410: ("No tool call of this session waits for this answer now.", []),
    413: ("Over a limit, which `detail` gives.", []),
    415: ("The body is neither JSON nor a form, or has a Content-Encoding.", []),
    422: ("The same `Idempotency-Key` came with another message or App.", []),
    429: ("Too many attempts.", ["Retry-After"]),
    502: ("The model failed; the same `Idempotency-Key` tries the turn again.", []),
    503: (
        "The server or its database is busy, or the App's release cannot be run.",
        ["Retry-After"],
    ),
    504: ("The model was silent for too long; see 502.", []),
}


def responses(registry: ComponentRegistry) -> dict[str, Schema]:
    """Return the response objects of the error statuses."""
    general = answer_schema(Problem, registry)
    return {f"Problem{status}": _response(status, general, registry) for status in PROBLEMS}


def _response(status: int, general: Schema, registry: ComponentRegistry) -> Schema:
    (when, headers), words = PROBLEMS[status], codes(status)
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status, "detail": when, "code": words[0], "error": when}
    example["request_id"] = EXAMPLE_REQUEST
    narrowed = {"status": {"const": status, "type": "integer"}, "code": {"enum": words, "type": "string"}}
    schema = add_schema(f"Problem{status}", {"allOf": [general], "properties": narrowed}, registry)
    return {
        "description": when,
        "content": {"application/problem+json": {"schema": schema, "example": example}},
        "headers": {name: ref("headers", name) for name in (*headers, "X-Request-Id")},
    }
