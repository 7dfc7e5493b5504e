"""The OpenAPI 3.1 document: drf-spectacular walks the URLs and views, this table says what each call takes and gives.

The views are coroutines without serializers, so there is nothing from which drf-spectacular could read shapes; it
brings paths, methods, docstrings and the `manage.py spectacular` command. A view that has no row is an error.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from chat.schema.requests import ADDRESS, CHAIN_ID, FIELDS, PARAMETERS
from chat.schema.shapes import (
    ANSWERS,
    EXAMPLE_LISTED,
    EXAMPLE_SESSION,
    LISTED,
    TEXT,
    TIME,
    TITLED,
    UUID,
    Schema,
    record,
    ref,
)

CALLER = (400, 401, 403, 429, 503)  # what any call on a session may be answered
OWN = (*CALLER, 404)
BODY = (413, 415)  # also where a call looks at no body
JSON, FORM, SSE = "application/json", "application/x-www-form-urlencoded", "text/event-stream"


@dataclass(frozen=True, slots=True)
class Call:
    """What one call takes and gives.

    Attributes:
        tag: the heading under which the documentation lists it.
        gives: the body of the answer, by media type.
        query: names of FIELDS that it takes in the query string.
        body: those that it takes in a JSON or form body too.
        headers: names of parameter components.
        problems: the error statuses.
        response_headers: names of header components.
        required: which of `query` must be in the query string.
        description: what its handler's docstring leaves open.
        is_open: it reads no key.
    """

    tag: str
    gives: Mapping[str, Schema]
    query: Sequence[str] = ()
    body: Sequence[str] = ()
    headers: Sequence[str] = ("SessionId",)
    problems: Sequence[int] = CALLER
    response_headers: Sequence[str] = ()
    required: Sequence[str] = ()
    description: str = ""
    is_open: bool = False


def json_of(schema: Schema, **more: Any) -> dict[str, Schema]:
    """Return the content of a JSON answer."""
    return {JSON: {"schema": schema, **more}}


def stream_of(name: str, example: str) -> dict[str, Schema]:
    """Return the content of a stream; OpenAPI 3.1 has no word for the shape of its events but this annotation."""
    described = (
        f"Server-sent events. The JSON in each `data:` line is a {name}; comment lines keep the connection open."
    )
    schema = {"type": "string", "description": described, "contentSchema": ref("schemas", name)}
    return {SSE: {"schema": schema, "example": example}}


SNAPSHOT, SESSION = json_of(ref("schemas", "Snapshot")), json_of(ref("schemas", "Session"))
CHAT_STREAM = (
    f'id: 1\ndata: {{"type":"text","session_id":"{EXAMPLE_SESSION}","content":"3500 dollars."}}\n\n'
    f'id: 2\ndata: {{"type":"complete","session_id":"{EXAMPLE_SESSION}","snapshot":{{}}}}\n\n'
)
UPDATES_STREAM = f'id: 17-1\ndata: {{"type":"title_changed","session_id":"{EXAMPLE_SESSION}","new_title":"ETH"}}\n\n'
PATH_ID = ("SessionId", "PathSessionId")
APPS = Call("choices", json_of({"type": "array", "items": TEXT}, example=["default"]), problems=(400, 401, 429, 503))
APPS_AS_OBJECTS = replace(
    APPS, gives=json_of({"type": "array", "items": record({"name": TEXT})}, example=[{"name": "default"}])
)
MODELS = Call("choices", json_of({"type": "array", "items": TEXT}, example=["gpt-5"]), query=["app"])
CHOSEN = record(
    {"success": {"const": True, "type": "boolean"}, "rig": TEXT, "baml": TEXT, "created": {"type": "boolean"}}
)
MODEL = Call(
    "choices",
    json_of(CHOSEN, example={"success": True, "rig": "gpt-5", "baml": "gpt-5", "created": False}),
    body=["rig", "app"],
    problems=(*CALLER, *BODY),
)
ARCHIVE = Call("sessions", SESSION, headers=PATH_ID, problems=(*OWN, *BODY))
CALLS: dict[tuple[str, str], Call] = {
    ("POST", "/api/chat"): Call(
        "chat",
        {**SNAPSHOT, **stream_of("ChatEvent", CHAT_STREAM)},
        body=["message", "app", "public_key", "user_state", "client_id"],
        headers=("SessionId", "IdempotencyKey", "Prefer"),
        problems=(*OWN, *BODY, 409, 422, 502, 504),
        description="With `Accept: text/event-stream` the turn is streamed, and a failure of the model is an event. "
        "Where `GET /api/updates` of the session is open and the App's reply wait was left at its default, the answer "
        "comes at once, unless `Prefer: wait=N` is sent.",
    ),
    ("GET", "/api/state"): Call("chat", SNAPSHOT, query=["user_state", "client_id", "public_key", "since"]),
    ("POST", "/api/interrupt"): Call("chat", SNAPSHOT, problems=(*OWN, *BODY)),
    ("GET", "/api/updates"): Call(
        "chat", stream_of("UpdateEvent", UPDATES_STREAM), headers=("SessionId", "LastEventId")
    ),
    ("POST", "/api/system"): Call(
        "events",
        json_of(record({"res": ref("schemas", "Message")})),
        body=["message"],
        problems=(*OWN, *BODY, 410),
        description='`{"type": "confirm_tool", "payload": {"call_id": "…", "approved": true}}` answers an '
        "`InlineCall`: the "
        "turn goes on. It is refused, like chat, without the App's key, and with 410 when nothing waits for it.",
    ),
    ("GET", "/api/events"): Call(
        "events", json_of({"type": "array", "items": ref("schemas", "SystemEvent")}), query=["count"], problems=OWN
    ),
    ("POST", "/api/sessions"): Call(
        "sessions",
        json_of(record(TITLED), example={"session_id": EXAMPLE_SESSION, "title": "New Chat"}),
        body=["public_key", "app"],
        problems=(*OWN, *BODY),
    ),
    ("GET", "/api/sessions"): Call(
        "sessions",
        json_of({"type": "array", "items": record(LISTED)}, example=[EXAMPLE_LISTED]),
        query=["public_key", "limit", "cursor"],
        required=["public_key"],
        headers=["OwnSessionId"],
        response_headers=["X-Next-Cursor"],
    ),
    ("GET", "/api/sessions/{session_id}"): Call("sessions", SESSION, headers=PATH_ID, problems=OWN),
    ("PATCH", "/api/sessions/{session_id}"): Call(
        "sessions", SESSION, body=["title"], headers=PATH_ID, problems=(*OWN, *BODY)
    ),
    ("DELETE", "/api/sessions/{session_id}"): Call(
        "sessions",
        json_of(record({"session_id": UUID, "deleted": {"const": True, "type": "boolean"}})),
        headers=PATH_ID,
        problems=(*OWN, *BODY),
    ),
    ("POST", "/api/sessions/{session_id}/archive"): ARCHIVE,
    ("POST", "/api/sessions/{session_id}/unarchive"): ARCHIVE,
    ("GET", "/api/control/apps"): APPS,
    ("GET", "/api/control/models"): MODELS,
    ("POST", "/api/control/model"): MODEL,
    ("GET", "/api/session/apps"): APPS_AS_OBJECTS,
    ("GET", "/api/session/models"): MODELS,
    ("POST", "/api/session/model"): MODEL,
    ("POST", "/api/wallet/challenge"): Call(
        "wallet",
        json_of(record({"message": TEXT, "nonce": TEXT, "expires_at": TIME})),
        body=["address", "chain_id", "domain", "uri"],
        problems=(*OWN, *BODY),
        description="The text is a Sign-In with Ethereum message (EIP-4361), good for one signature within 5 minutes.",
    ),
    ("POST", "/api/wallet/verify"): Call(
        "wallet",
        json_of(record({"address": ADDRESS, "chain_id": CHAIN_ID, "is_proven": {"const": True, "type": "boolean"}})),
        body=["message", "signature"],
        problems=(*OWN, *BODY),
    ),
    ("GET", "/api/schema"): Call("documentation", json_of({"type": "object"}), headers=(), problems=(), is_open=True),
    ("GET", "/api/docs"): Call("documentation", {"text/html": {"schema": TEXT}}, headers=(), problems=(), is_open=True),
}


class ContractSchema(AutoSchema):
    """Describes an operation by its row in CALLS and by its handler's docstring."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Schema:
        """Return the operation object.

        Raises:
            LookupError: nobody has described the call.
        """
        call = CALLS.get((method, path))
        if call is None:
            raise LookupError(f"chat/schema/contract.py has no row for {method} {path}.")
        handler = getattr(self.view, method.lower())
        operation: Schema = {
            "operationId": f"{method.lower()}_{path.removeprefix('/api/').replace('/', '_').translate(BRACES)}",
            "summary": (handler.__doc__ or path).strip().splitlines()[0],
            "tags": [call.tag],
            "security": [] if call.is_open else [{}, {"AppKey": []}, {"Bearer": []}],
            "parameters": _parameters(call),
            "responses": {
                "200": _success(call),
                **{str(s): ref("responses", f"Problem{s}") for s in sorted(call.problems)},
            },
        }
        if call.description:
            operation["description"] = call.description
        return operation | ({"requestBody": _request_body(call.body)} if call.body else {})


BRACES = str.maketrans("", "", "{}")


def _parameters(call: Call) -> list[Schema]:
    query = [_query_parameter(name, is_required=name in call.required) for name in (*call.query, *call.body)]
    return [*(ref("parameters", name) for name in call.headers), *query]


def _query_parameter(name: str, *, is_required: bool) -> Schema:
    """Return a parameter object; an object travels as JSON text."""
    shape = {key: value for key, value in FIELDS[name].items() if key != "description"}
    place = {"name": name, "in": "query", "required": is_required, "description": FIELDS[name]["description"]}
    return {**place, **({"content": {JSON: {"schema": shape}}} if shape["type"] == "object" else {"schema": shape})}


def _request_body(names: Sequence[str]) -> Schema:
    """Return the body that may stand in for the query string, which wins where both name a parameter."""
    fields = {name: FIELDS[name] for name in names}
    # A form has no objects; in JSON either will do.
    as_text = {name: {"type": "string", "description": field["description"]} for name, field in fields.items()}
    is_object = {name: field["type"] == "object" for name, field in fields.items()}
    form = {name: as_text[name] if is_object[name] else field for name, field in fields.items()}
    either = {name: {"anyOf": [field, as_text[name]]} if is_object[name] else field for name, field in fields.items()}
    return {
        "description": "May carry what the query string does not; JSON also as `text/json` or `application/…+json`.",
        "required": False,
        "content": {
            JSON: {"schema": {"type": "object", "properties": either}},
            FORM: {"schema": {"type": "object", "properties": form}},
        },
    }


def _success(call: Call) -> Schema:
    headers = {name: ref("headers", name) for name in (*call.response_headers, "X-Request-Id")}
    return {"description": "Done.", "content": dict(call.gives), "headers": headers}


def add_components(result: Schema, **context: Any) -> Schema:
    """Put the shapes into the document; a POSTPROCESSING_HOOK of drf-spectacular."""
    return {**result, "components": {**ANSWERS, "parameters": PARAMETERS}}


@functools.cache
def document() -> Schema:
    """Return the OpenAPI document, made once."""
    schema: Schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema
