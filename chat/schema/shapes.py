"""The shapes of the HTTP API's answers and events as OpenAPI 3.1 components."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from chat.api.error_codes import by_status

Schema = dict[str, Any]

EXAMPLE_SESSION = "550e8400-e29b-41d4-a716-446655440000"
EXAMPLE_REQUEST = "9b2f6c1e-5a0d-4c1b-8a53-0d7a3f1e6b44"
EXAMPLE_MESSAGE = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXAMPLE_TIME = "2026-11-23T06:20:00.123Z"
EXAMPLE_WALLET = "0x742d35Cc6634C0532925a3b844Bc9e7595f2bD68"
EXAMPLE_STATE = {"address": EXAMPLE_WALLET, "chain_id": 1, "is_connected": True}

UUID: Schema = {"type": "string", "format": "uuid"}
TEXT: Schema = {"type": "string"}
TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "description": "ISO 8601 in UTC, to the millisecond.",
    "examples": [EXAMPLE_TIME],
}
STATUSES = ["idle", "processing", "interrupted"]


def ref(kind: str, name: str) -> Schema:
    """Return a reference to a component, such as ref("schemas", "Snapshot")."""
    return {"$ref": f"#/components/{kind}/{name}"}


def record(properties: Mapping[str, Schema], *, examples: Sequence[Any] = (), description: str = "") -> Schema:
    """Return an object that has all of these properties and no others."""
    shape: Schema = {"type": "object", "properties": dict(properties), "required": list(properties)}
    shape |= {"additionalProperties": False}
    return (
        shape | ({"description": description} if description else {}) | ({"examples": [*examples]} if examples else {})
    )


def one_key(name: str, value: Schema) -> Schema:
    """Return a system event: an object whose only key says what it is."""
    return {**record({name: value}), "title": name}


def event(type_: str, description: str, **data: Schema) -> Schema:
    """Return what the `data:` line of a server-sent event holds."""
    head = {"type": {"const": type_, "type": "string"}, "session_id": UUID}
    return {**record({**head, **data}, description=description), "title": type_}


MESSAGE = record(
    {
        "id": UUID,
        "sender": {"enum": ["user", "agent", "system"], "type": "string"},
        "content": TEXT,
        "timestamp": TIME,
        "is_streaming": {"type": "boolean", "description": "The partial reply of a turn that runs."},
        "tool_result": {
            "description": "The tool's name and what it answered; null for a plain message.",
            "type": ["array", "null"],
            "prefixItems": [TEXT, TEXT],
            "items": False,
            "minItems": 2,
        },
        "citations": {
            "description": "What the reply cites of the App's documents, in the order of its first mention.",
            "type": "array",
            "items": record(
                {
                    "marker": {"type": "integer", "description": "By which the text cites it: [17]."},
                    "document": TEXT,
                    "place": {"type": "string", "description": "Headings, pages or lines."},
                }
            ),
        },
    }
)
EXAMPLE_MESSAGES = [
    {
        "id": EXAMPLE_MESSAGE,
        "sender": "user",
        "content": "What is ETH worth?",
        "timestamp": EXAMPLE_TIME,
        "is_streaming": False,
        "tool_result": None,
        "citations": [],
    },
    {
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "sender": "agent",
        "content": "",
        "timestamp": EXAMPLE_TIME,
        "is_streaming": False,
        "tool_result": ["get_token_price", '{"usd": 3500}'],
        "citations": [],
    },
]
EXAMPLE_SNAPSHOT = {
    "session_id": EXAMPLE_SESSION,
    "app": "default",
    "status": "idle",
    "is_processing": False,
    "title": "ETH price check",
    "messages": EXAMPLE_MESSAGES,
    "system_events": [{"SystemNotice": "wallet connected"}],
    "user_state": EXAMPLE_STATE,
}
APP: Schema = {"type": ["string", "null"], "description": "The App's slug; null until the session belongs to one."}
STATUS: Schema = {"enum": STATUSES, "type": "string"}
SNAPSHOT = record(
    {
        "session_id": UUID,
        "app": APP,
        "status": STATUS,
        "is_processing": {"type": "boolean", "description": 'Whether `status` is "processing".'},
        "title": TEXT,
        "messages": {"type": "array", "items": ref("schemas", "Message")},
        "system_events": {
            "type": "array",
            "items": ref("schemas", "SystemEvent"),
            "description": "Those that no earlier snapshot of this session has shown.",
        },
        "user_state": {"type": ["object", "null"], "description": "As the client sent it last."},
    },
    examples=[EXAMPLE_SNAPSHOT],
)
INLINE_CALL = record(
    {
        "type": {"const": "confirm_tool", "type": "string"},
        "payload": record(
            {
                "call_id": {"type": "string", "description": "To answer with; not the id of the tool call."},
                "tool": TEXT,
                "arguments": {"type": "object"},
                "expires_at": TIME,
            }
        ),
    },
    description="A turn waits until `POST /api/system` is told `confirm_tool` with `call_id` and `approved`.",
)
SYSTEM_EVENT: Schema = {
    "oneOf": [
        one_key("SystemNotice", TEXT),
        one_key("SystemError", TEXT),
        one_key("InlineCall", INLINE_CALL),
        one_key("AsyncCallback", {"type": ["object", "array"], "description": "The JSON that the client sent."}),
    ],
    "examples": [{"SystemNotice": "wallet connected"}, {"AsyncCallback": {"type": "wallet:tx", "payload": {}}}],
}
TITLED: dict[str, Schema] = {"session_id": UUID, "title": TEXT}
LISTED: dict[str, Schema] = {**TITLED, "is_archived": {"type": "boolean"}}
EXAMPLE_LISTED = {"session_id": EXAMPLE_SESSION, "title": "ETH price check", "is_archived": False}
SESSION = record(
    {**LISTED, "app": APP, "status": STATUS, "created_at": TIME, "last_active_at": TIME},
    examples=[
        {
            **EXAMPLE_LISTED,
            "app": "default",
            "status": "idle",
            "created_at": EXAMPLE_TIME,
            "last_active_at": EXAMPLE_TIME,
        }
    ],
)
PROBLEM = record(
    {
        "type": {"const": "about:blank", "type": "string"},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "code": {"type": "string", "description": "A stable word for machines."},
        "error": {"type": "string", "description": "`detail` again."},
        "request_id": {**UUID, "description": "The answer's `X-Request-Id`, by which the operator finds the log line."},
    },
    description="RFC 9457",
)
UPDATE_EVENT: Schema = {
    "oneOf": [
        event("title_changed", "The session has another title.", new_title=TEXT),
        event("status_changed", "A turn began or ended.", status=STATUS),
        event(
            "message_delta",
            "A piece of the reply.",
            message_id=UUID,
            delta=TEXT,
            offset={"type": "integer", "minimum": 0, "description": "Characters of the message before this piece."},
        ),
        event("tool_update", "A tool is being called.", tool_name=TEXT, call_id=TEXT),
        event("tool_complete", "A tool has answered.", tool_name=TEXT, call_id=TEXT, result=TEXT),
        event("inline_call", "The user must confirm a tool call; snapshots ask too.", call=INLINE_CALL),
        event("system_notice", "What `POST /api/system` was told.", message=TEXT),
    ]
}
CHAT_EVENT: Schema = {
    "oneOf": [
        event("text", "A piece of the reply.", content=TEXT),
        event(
            "tool_call",
            "The model calls a tool.",
            name=TEXT,
            call_id=TEXT,
            args={"type": "string", "description": "JSON as the model wrote it."},
        ),
        event("tool_result", "The tool's answer.", call_id=TEXT, name=TEXT, result=TEXT),
        event(
            "error",
            "The model failed; the user's message is kept.",
            message=TEXT,
            code={"enum": ["model_error", "model_timeout"], "type": "string"},
        ),
        event("complete", "The last event.", snapshot=ref("schemas", "Snapshot")),
    ]
}

RETRY_AFTER: Schema = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
CHALLENGE: Schema = {"required": True, "schema": {"type": "string", "const": "AppKey"}}
REQUEST_ID: Schema = {"description": "Of the server's making.", "required": True, "schema": UUID}
CURSOR: Schema = {"description": "The `cursor` of the next page; absent on the last page.", "schema": TEXT}

PROBLEMS = by_status()


def problem(status: int) -> Schema:
    """Return the response object of an error status."""
    errors = PROBLEMS[status]
    codes, when = [each.code for each in errors], " ".join(each.when for each in errors)
    headers = dict.fromkeys(name for each in errors for name in each.headers)
    narrowed = {"status": {"const": status, "type": "integer"}, "code": {"enum": codes, "type": "string"}}
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status, "detail": when, "code": codes[0], "error": when}
    example["request_id"] = EXAMPLE_REQUEST
    schema = {"allOf": [ref("schemas", "Problem")], "properties": narrowed}
    response: Schema = {
        "description": when,
        "content": {"application/problem+json": {"schema": schema, "example": example}},
    }
    return response | {"headers": {name: ref("headers", name) for name in (*headers, "X-Request-Id")}}


ANSWERS: Schema = {
    "schemas": {
        "Snapshot": SNAPSHOT,
        "Message": MESSAGE,
        "SystemEvent": SYSTEM_EVENT,
        "Session": SESSION,
        "Problem": PROBLEM,
        "ChatEvent": CHAT_EVENT,
        "UpdateEvent": UPDATE_EVENT,
    },
    "headers": {
        "Retry-After": RETRY_AFTER,
        "WWW-Authenticate": CHALLENGE,
        "X-Next-Cursor": CURSOR,
        "X-Request-Id": REQUEST_ID,
    },
    "responses": {f"Problem{status}": problem(status) for status in PROBLEMS},
    "securitySchemes": {
        "AppKey": {
            "type": "apiKey",
            "in": "header",
            "name": "AOMI-APP-KEY",
            "description": "Needed for every App but the default one. A wrong key is refused everywhere.",
        },
        "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as `Authorization: Bearer sk-…`."},
    },
}
