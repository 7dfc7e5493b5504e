"""Generates the OpenAPI 3.1 document: drf-spectacular walks the URLs, and the views' signatures give the types.

A handler decorated with `@reads(ChatRequest)` takes those parameters. The return type `Answer[Snapshot]` means JSON of
that type; `EventStream[ChatEvent]` means a stream of those events. The table in this module adds what signatures do not
contain: names, errors and headings. A call without a row is an error.
"""

import functools
import inspect
import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from apps_registry.support.http.paths import API_PREFIX
from chat.api.answers import Answer, EventStream, NoContent
from chat.api.parameters import Parameters
from chat.schema.parameters import JSON, PARAMETERS, parameters, request_body
from chat.schema.problems import HEADERS, SECURITY, SECURITY_SCHEMES, responses
from chat.schema.types import Schema, answer_schema, ref
from chat.wire.values import EXAMPLE_SESSION

CALLER = (400, 401, 403, 429, 503)  # any call on a session
OWN = (*CALLER, 404)  # calls that need an existing session
BODY = (413, 415)  # POST, PATCH and DELETE, even those that do not read their body


@dataclass(frozen=True, slots=True)
class Call:
    """The description of a call beyond its handler's signature and docstring.

    Attributes:
        name: the operation id, which generated clients use as the function's name.
        tag: the heading under which the documentation lists the call.
        session: names of parameter components for the session id.
        problems: the error statuses.
        summary: replaces the first line of the handler's docstring.
        response_headers: names of header components.
        description: details beyond the handler's docstring.
        stream: an example of the event stream.
        is_open: whether the call needs no key.
        status: the HTTP status of success.
        security: the credentials that it takes, by name; None: those of all calls.
    """

    name: str
    tag: str
    session: Sequence[str] = ("SessionId",)
    problems: Sequence[int] = CALLER
    summary: str = ""
    response_headers: Sequence[str] = ()
    description: str = ""
    stream: str = ""
    is_open: bool = False
    status: int = 200
    security: Sequence[str] | None = None


CHAT_STREAM = (
    f'id: 1\ndata: {{"type":"text","session_id":"{EXAMPLE_SESSION}","content":"3500 dollars."}}\n\n'
    f'id: 2\ndata: {{"type":"complete","session_id":"{EXAMPLE_SESSION}","snapshot":{{}}}}\n\n'
)
UPDATES_STREAM = f'id: 17-1\ndata: {{"type":"title_changed","session_id":"{EXAMPLE_SESSION}","new_title":"ETH"}}\n\n'
PATH_ID = ("SessionId", "PathSessionId")
APPS = Call("listApps", "choices", problems=(400, 401, 429, 503))
MODELS = Call("listModels", "choices")
MODEL = Call("chooseModel", "choices", problems=(*CALLER, *BODY))
KEY = Call("getKey", "key", session=(), problems=(401, 403, 429, 503), security=("AppKey", "Bearer"))
ARCHIVE = Call(
    "archiveSession", "sessions", session=PATH_ID, problems=(*OWN, *BODY), summary="Mark the session as archived."
)
# By method and path below API_PREFIX.
_CALLS: dict[tuple[str, str], Call] = {
    ("POST", "chat"): Call(
        "chat",
        "chat",
        problems=(*OWN, *BODY, 409, 422, 502, 504),
        description="With `Accept: text/event-stream`, the response streams the turn, and reports a failure of the "
        "model as an event. With any other `Accept`, the response is the JSON snapshot. It is sent at once if the "
        "session's `GET /api/updates` is open and the App has no reply wait of its own, unless the request has "
        "`Prefer: wait=N`.",
        stream=CHAT_STREAM,
    ),
    ("GET", "state"): Call("getState", "chat"),
    ("POST", "interrupt"): Call("interrupt", "chat", problems=(*OWN, *BODY)),
    ("GET", "updates"): Call("streamUpdates", "chat", stream=UPDATES_STREAM),
    ("POST", "system"): Call(
        "sendSystemMessage",
        "events",
        problems=(*OWN, *BODY, 410),
        description='`{"type": "confirm_tool", "payload": {"call_id": "…", "approved": true}}` answers an '
        "`InlineCall`; the turn then continues. The result of a client's tool is sent as "
        '`{"type": "client_tool", "payload": {"call_id": "…", "result": …}}`, and that of the user\'s wallet as '
        "`wallet:tx_complete` or `wallet_eip712_response`. "
        "Like a chat message, an answer needs the App's key. If no question "
        "waits for it, the response is 410. Any other JSON object or list is stored as an `AsyncCallback`, and any "
        "other text as a `SystemNotice`; the model reads both in the next turn.",
    ),
    ("GET", "events"): Call("listEvents", "events", problems=OWN),
    ("POST", "sessions"): Call("createSession", "sessions", problems=(*OWN, *BODY)),
    ("GET", "sessions"): Call("listSessions", "sessions", session=["OwnSessionId"], response_headers=["X-Next-Cursor"]),
    ("GET", "sessions/{session_id}"): Call("getSession", "sessions", session=PATH_ID, problems=OWN),
    ("PATCH", "sessions/{session_id}"): Call("renameSession", "sessions", session=PATH_ID, problems=(*OWN, *BODY)),
    ("DELETE", "sessions/{session_id}"): Call("deleteSession", "sessions", session=PATH_ID, problems=(*OWN, *BODY)),
    ("POST", "sessions/{session_id}/archive"): ARCHIVE,
    ("POST", "sessions/{session_id}/unarchive"): replace(
        ARCHIVE, name="unarchiveSession", summary="Remove the archive mark."
    ),
    ("GET", "control/apps"): APPS,
    ("GET", "control/models"): MODELS,
    ("POST", "control/model"): MODEL,
    ("GET", "session/apps"): replace(APPS, name="listSessionApps"),
    ("GET", "session/models"): replace(MODELS, name="listSessionModels"),
    ("POST", "session/model"): replace(MODEL, name="chooseSessionModel"),
    ("POST", "wallet/challenge"): Call(
        "challengeWallet",
        "wallet",
        problems=(*OWN, *BODY),
        description="The text is a Sign-In with Ethereum message (EIP-4361). It is valid once, for 5 minutes.",
    ),
    ("POST", "wallet/verify"): Call("verifyWallet", "wallet", problems=(*OWN, *BODY)),
    ("POST", "token"): Call(
        "createToken",
        "tokens",
        session=(),
        problems=(*CALLER, *BODY),
        description="For backends: the token opens one App for at most an hour, and its holder never sees the App key. "
        "It stops working when its key does. A browser token cannot make this call.",
        status=201,
        security=("AppKey", "Bearer"),
    ),
    ("GET", "key"): KEY,
    ("DELETE", "key"): replace(KEY, name="revokeKey", problems=(*KEY.problems, *BODY)),
    ("GET", "key/usage"): replace(KEY, name="getKeyUsage", problems=(400, *KEY.problems)),
    ("GET", "schema"): Call("getSchema", "documentation", session=(), problems=(), is_open=True),
    ("GET", "docs"): Call("getDocumentation", "documentation", session=(), problems=(), is_open=True),
}
CALLS = {(method, f"{API_PREFIX}{path}"): call for (method, path), call in _CALLS.items()}


class ContractSchema(AutoSchema):
    """Describes an operation by its handler and its row in CALLS."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Schema:
        """Return the operation object.

        Raises:
            LookupError: the table has no row for the call.
        """
        call = CALLS.get((method, path))
        if call is None:
            raise LookupError(f"chat/schema/contract.py has no row for {method} {path}.")
        handler = inspect.unwrap(getattr(self.view, method.lower()))
        hints = typing.get_type_hints(handler, include_extras=True)
        kind, has_body = _parameters_type(hints), method in {"POST", "PATCH"}
        session_parameters = [ref("parameters", name) for name in call.session]
        operation: Schema = {
            "operationId": call.name,
            "summary": call.summary or (handler.__doc__ or path).strip().splitlines()[0],
            "tags": [call.tag],
            "parameters": session_parameters + (parameters(kind, registry, has_body=has_body) if kind else []),
            "responses": {
                **_success(call, hints["return"], registry),
                **{str(status): ref("responses", f"Problem{status}") for status in sorted(call.problems)},
            },
        }
        if call.description:
            operation["description"] = call.description
        if call.is_open:
            operation["security"] = []
        if call.security is not None:
            operation["security"] = [{name: []} for name in call.security]
        return operation | ({"requestBody": request_body(kind, registry)} if kind and has_body else {})


def _parameters_type(hints: dict[str, Any]) -> type[Parameters] | None:
    kinds = (hint for hint in hints.values() if isinstance(hint, type) and issubclass(hint, Parameters))
    return next(kinds, None)


def _success(call: Call, returned: Any, registry: ComponentRegistry) -> Schema:
    """Return the response object of success, by its status."""
    if returned is NoContent:
        return {"204": {"description": "Success.", "headers": {"X-Request-Id": ref("headers", "X-Request-Id")}}}
    forms = typing.get_args(returned) if typing.get_origin(returned) is typing.Union else [returned]
    content = dict(_content(form, call, registry) for form in forms)
    headers = {name: ref("headers", name) for name in (*call.response_headers, "X-Request-Id")}
    return {str(call.status): {"description": "Success.", "content": content, "headers": headers}}


def _content(form: Any, call: Call, registry: ComponentRegistry) -> tuple[str, Schema]:
    """Return the media type and the media type object of one form of a response."""
    if form is HttpResponse:
        return "text/html", {"schema": {"type": "string"}}
    (type_,) = typing.get_args(form)
    shape = answer_schema(type_, registry)
    if typing.get_origin(form) is Answer:
        return JSON, {"schema": shape}
    assert typing.get_origin(form) is EventStream, form  # noqa: S101 - a handler that the document cannot describe
    return "text/event-stream", {"schema": _stream(shape), "example": call.stream}


def _stream(event: Schema) -> Schema:
    """Return the schema of a stream; in OpenAPI 3.1 only `contentSchema` can describe its events."""
    name = event["$ref"].rsplit("/")[-1]
    described = f"Server-sent events. Each `data:` line is the JSON of type {name}; comment lines keep the stream open."
    return {"type": "string", "description": described, "contentMediaType": JSON, "contentSchema": event}


def add_components(result: Schema, generator: SchemaGenerator, **context: Any) -> Schema:
    """Add the components that all calls share; a POSTPROCESSING_HOOK of drf-spectacular."""
    problems = responses(generator.registry)
    schemas = generator.registry.build({})["schemas"]
    components = {
        "schemas": schemas,
        "responses": problems,
        "parameters": PARAMETERS,
        "headers": HEADERS,
        "securitySchemes": SECURITY_SCHEMES,
    }
    return {**result, "security": SECURITY, "components": components}


@functools.cache
def document() -> Schema:
    """Return the OpenAPI document, which is generated once."""
    schema: Schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema
