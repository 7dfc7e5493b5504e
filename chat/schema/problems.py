"""Components of the OpenAPI document for errors, response headers and keys."""

from http import HTTPStatus

from drf_spectacular.plumbing import ComponentRegistry

from chat.api.error_codes import ErrorCode, by_status
from chat.schema.types import Schema, add_schema, answer_schema, ref
from chat.wire.problem import Problem
from chat.wire.values import EXAMPLE_REQUEST

UUID: Schema = {"type": "string", "format": "uuid"}
HEADERS: dict[str, Schema] = {
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit": {
        "description": "What is left of the limit that refused the call, and the seconds until more is available.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "That limit: its quota `q`, the quota's unit `qu` and its window `w` in seconds.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "AppKey"}},
    "X-Next-Cursor": {
        "description": "The `cursor` of the next page; absent on the last page.",
        "schema": {"type": "string"},
    },
    "X-Request-Id": {"description": "The server's id of the request.", "required": True, "schema": UUID},
}
SECURITY_SCHEMES: dict[str, Schema] = {
    "AppKey": {
        "type": "apiKey",
        "in": "header",
        "name": "AOMI-APP-KEY",
        "description": "Required for every App except the default one. An invalid key is refused on every call.",
    },
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same key as `Authorization: Bearer sk-…`, or a browser token (`bt-…`).",
    },
}
SECURITY: list[Schema] = [{}, {"AppKey": []}, {"Bearer": []}]


def responses(registry: ComponentRegistry) -> dict[str, Schema]:
    """Return the response objects of the error statuses."""
    general = answer_schema(Problem, registry)
    return {f"Problem{status}": _response(status, errors, general, registry) for status, errors in by_status().items()}


def _response(status: int, errors: list[ErrorCode], general: Schema, registry: ComponentRegistry) -> Schema:
    words, when = [error.code for error in errors], " ".join(error.when for error in errors)
    headers = dict.fromkeys(name for error in errors for name in error.headers)
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
