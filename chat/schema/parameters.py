"""The parameters of requests in OpenAPI 3.1, generated from the types that parse them (chat/api/requests.py)."""

from drf_spectacular.plumbing import ComponentRegistry

from chat.api.parameters import Parameters
from chat.schema.types import Schema, add_schema, request_schema
from chat.wire.values import EXAMPLE_SESSION
from sessions_app.access import UUID_PATTERN

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
# A pattern rather than the format "uuid": generated clients would make UUID objects, which cannot be sent as a header.
SESSION_ID: Schema = {"type": "string", "pattern": f"^{UUID_PATTERN.pattern.replace('a-f', 'a-fA-F')}$"}


def _session_parameter(name: str, where: str, description: str, *, required: bool = True) -> Schema:
    head = {"name": name, "in": where, "required": required, "description": description}
    return {**head, "schema": SESSION_ID, "example": EXAMPLE_SESSION}


PARAMETERS: dict[str, Schema] = {
    "SessionId": _session_parameter(
        "X-Session-Id", "header", "The session: a UUID that the client generates, in the 8-4-4-4-12 form."
    ),
    "OwnSessionId": _session_parameter("X-Session-Id", "header", "The caller's own session.", required=False),
    "PathSessionId": _session_parameter("session_id", "path", "The same id as in `X-Session-Id`."),
}


def parameters(kind: type[Parameters], registry: ComponentRegistry, *, has_body: bool) -> list[Schema]:
    """Return the parameter objects of a call: headers, and query parameters, which a body may contain instead."""
    shape = request_schema(kind, registry)
    required = [] if has_body else shape.get("required", [])
    headers = [_parameter(name, "header", shape["properties"][name]) for name in kind.headers]
    fields = _fields(kind, shape, has_body=has_body)
    query = [_parameter(name, "query", _as_text(field), required=name in required) for name, field in fields.items()]
    return headers + query


def request_body(kind: type[Parameters], registry: ComponentRegistry) -> Schema:
    """Return the body that may contain the parameters; the query string takes precedence."""
    shape = request_schema(kind, registry)
    fields = _fields(kind, shape, has_body=True)
    head = {"type": "object", "description": shape["description"]}
    json_fields = {name: _as_json(field) for name, field in fields.items()}
    form_fields = {name: _as_text(field) for name, field in fields.items()}
    # Two components, because client generators choose the encoding by the class that they make of a component.
    json = add_schema(kind.__name__, {**head, "properties": json_fields}, registry)
    form = add_schema(f"{kind.__name__}Form", {**head, "properties": form_fields}, registry)
    return {
        "description": "Parameters that are not in the query string. JSON may also be sent as `text/json` or "
        "`application/…+json`.",
        "required": False,
        "content": {JSON: {"schema": json}, FORM: {"schema": form}},
    }


def _fields(kind: type[Parameters], shape: Schema, *, has_body: bool) -> dict[str, Schema]:
    """Return the fields by name.

    If query string or body may contain a field, the schema of neither can require it, so its description says so.
    """
    fields = {name: shape["properties"][name] for name in kind.names}
    required = shape.get("required", []) if has_body else []
    descriptions = {name: f"Required. {fields[name].get('description', '')}".strip() for name in required}
    return fields | {name: {**fields[name], "description": text} for name, text in descriptions.items()}


def _parameter(name: str, where: str, field: Schema, *, required: bool = False) -> Schema:
    shape = {key: value for key, value in field.items() if key != "description"}
    head = {"name": name, "in": where, "required": required, "description": field.get("description", "")}
    return {**head, "schema": shape}


def _as_text(field: Schema) -> Schema:
    """Return a field's schema in a query string or a form, where an object is JSON text."""
    if "$ref" not in field:
        return field
    described = {"description": field["description"]} if "description" in field else {}
    return {"type": "string", "contentMediaType": JSON, "contentSchema": {"$ref": field["$ref"]}, **described}


def _as_json(field: Schema) -> Schema:
    """Return a field's schema in JSON, where an object may also be JSON text."""
    if "$ref" not in field:
        return field
    more = {key: value for key, value in field.items() if key != "$ref"}
    return {"anyOf": [{"$ref": field["$ref"]}, {"type": "string"}], **more}
