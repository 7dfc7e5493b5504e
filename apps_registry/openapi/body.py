"""Converts the body of an operation to arguments and a template."""

from collections.abc import Mapping
from typing import Any

from apps_registry.openapi.document import OpenApiDocument, Unsupported
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.parameters import add_entries, as_json_text, is_list, is_object, required_first
from apps_registry.openapi.request import Needed, Request, plain
from apps_registry.openapi.schemas import SchemaReader

FORM = "application/x-www-form-urlencoded"


def add_body(request: Request, document: OpenApiDocument, operation: Operation, reader: SchemaReader) -> None:
    """Declare the arguments for the body: one for each field of an object, otherwise one for the whole body.

    Raises:
        Unsupported: a tool cannot write this type of body.
    """
    body, _ = document.resolve(operation.data.get("requestBody"))
    content = body.get("content") if isinstance(body, Mapping) else None
    if not isinstance(content, Mapping) or not content:
        return
    media, encoding = _media(content)
    holder = content[media] if isinstance(content[media], Mapping) else {}
    schema = holder.get("schema")
    if operation.method in {"GET", "HEAD"}:
        if reader.read(schema).get("properties"):  # some documents give every operation an empty body
            request.leave_out("the body", f"a {operation.method} request has none", is_required=False)
        return
    is_required = body.get("required") is True
    if encoding == "form":
        _add_form(request, reader.read(schema), holder, is_required=is_required)
    elif encoding == "json":
        _add_json(request, reader.read(schema), is_required=is_required)
        if media not in {"application/json", "*/*"}:
            request.headers["Content-Type"] = plain(media, "the type of the body")
    else:
        request.body_type = "text"
        request.body = request.argument("body", {"type": "string"}, is_required=is_required)
        request.headers["Content-Type"] = plain(media, "the type of the body")


def _media(content: Mapping[str, Any]) -> tuple[str, str]:
    kinds = {str(media): str(media).split(";")[0].strip().lower() for media in content}
    for matches, encoding in ((_is_plain_json, "json"), (_is_json, "json"), (FORM.__eq__, "form"), (_is_text, "text")):
        for media, kind in kinds.items():
            if matches(kind):
                return media, encoding
    raise Unsupported(f"its body is {', '.join(kinds)[:120]}, which a tool cannot write")


def _is_plain_json(kind: str) -> bool:
    return kind in {"application/json", "*/*"}


def _is_json(kind: str) -> bool:
    return kind.endswith(("+json", "/json")) or kind == "application/*"


def _is_text(kind: str) -> bool:
    return kind.startswith("text/")


def _add_json(request: Request, schema: dict[str, Any], *, is_required: bool) -> None:
    request.body_type = "json"
    if not _can_be_split(schema):
        request.body = request.argument("body", schema, is_required=is_required)
        return
    request.body = {}
    for name, part in required_first(schema):
        needed = is_required and name in schema.get("required", [])
        placeholder = request.argument(name, part, is_required=needed)
        if placeholder:
            request.body[plain(name, "a field's name")] = placeholder


def _can_be_split(schema: Mapping[str, Any]) -> bool:
    """Tell whether each field of an object can become an argument without losing constraints."""
    choices = [option for keyword in ("anyOf", "oneOf", "allOf") for option in schema.get(keyword, [])]
    return bool(
        schema.get("properties")
        and not isinstance(schema.get("additionalProperties"), dict)
        and all(option.keys() <= {"required", "description"} for option in choices)
    )


def _add_form(request: Request, schema: dict[str, Any], holder: Mapping[str, Any], *, is_required: bool) -> None:
    if not schema.get("properties"):
        if schema.get("required") or is_required:
            raise Unsupported("its form has no named fields")
        return
    request.body_type, request.body = "form", {}
    encoding_data = holder.get("encoding")
    encodings = encoding_data if isinstance(encoding_data, Mapping) else {}
    for name, part in required_first(schema):
        needed = is_required and name in schema.get("required", [])
        field_encoding = encodings.get(name)
        encoding = field_encoding if isinstance(field_encoding, Mapping) else {}
        try:
            _add_field(request, plain(name, "a field's name"), part, encoding, is_required=needed)
        except Needed:
            raise
        except Unsupported as error:
            request.leave_out(name, str(error), is_required=needed)


def _add_field(
    request: Request, name: str, schema: dict[str, Any], encoding: Mapping[str, Any], *, is_required: bool
) -> None:
    style = str(encoding.get("style") or "form")
    explode = encoding.get("explode", style == "form") is True
    if "style" not in encoding and is_object(schema) and not is_list(schema):
        schema = as_json_text(schema)  # the specification's default for objects in a form
    add_entries(request, request.body, name, schema, style, explode=explode, is_required=is_required)
