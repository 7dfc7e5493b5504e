"""Converts the parameters of an operation to arguments of its tool, following the styles of the specification.

Styles: https://spec.openapis.org/oas/v3.1.0#style-values
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apps_registry.openapi.document import OpenApiDocument, Unsupported
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.request import Needed, Request, header_name, plain
from apps_registry.openapi.schemas import SchemaReader

DEFAULT_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
SEPARATORS = {"form": "commas", "simple": "commas", "spaceDelimited": "spaces", "pipeDelimited": "vertical bars"}
# The specification says to ignore the first three as parameters; the connection sets the others.
IGNORED_HEADERS = {"accept", "content-type", "authorization", "accept-encoding", "content-length", "host", "connection"}
MAX_NESTING = 3
# Names of headers with credentials, as API gateways and services use them. Not every "token" is a credential:
# x-ms-continuation-token identifies a page, x-csrf-token a form.
_CREDENTIAL_HEADER = re.compile(
    r"(proxy-)?authorization|((x|[a-z0-9]+)-)*(api-?key|app-?key|access-?key|subscription-key|auth(-?token|-?key)?"
    r"|access-?token|api-?token|private-?token|job-?token|secret(-?key)?|client-?secret|password)"
    r"|x-(token|rapidapi-key|amz-security-token|vault-token|shopify-access-token)|cookie",
    re.IGNORECASE,
)


def add_parameters(request: Request, document: OpenApiDocument, operation: Operation, reader: SchemaReader) -> None:
    """Declare the arguments for path, query and headers.

    Raises:
        Unsupported: a required parameter cannot be sent.
    """
    for parameter in all_parameters(document, operation):
        location, name = parameter.get("in"), str(parameter.get("name") or "")
        is_required = parameter.get("required") is True or location == "path"
        try:
            _add(request, parameter, plain(name, "the name of a parameter"), location, reader)
        except Needed:
            raise
        except Unsupported as error:
            request.leave_out(name, str(error), is_required=is_required)


def is_credential_header(name: str) -> bool:
    """Tell whether a header contains a credential, which a model must neither know nor provide."""
    return _CREDENTIAL_HEADER.fullmatch(name) is not None


def all_parameters(document: OpenApiDocument, operation: Operation) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters; those of the operation replace those of the path with the same name and location."""
    parameters: dict[tuple[str, str], Mapping[str, Any]] = {}
    for holder in (operation.shared, operation.data):
        entries = holder.get("parameters")
        for entry in entries if isinstance(entries, list) else []:
            parameter, _ = document.resolve(entry)
            if isinstance(parameter, Mapping):
                parameters[str(parameter.get("in")), str(parameter.get("name"))] = parameter
    return iter(sorted(parameters.values(), key=lambda parameter: parameter.get("required") is not True))


def _add(request: Request, parameter: Mapping[str, Any], name: str, location: Any, reader: SchemaReader) -> None:
    if location == "cookie":
        raise Unsupported("cookies are not sent")
    if location not in DEFAULT_STYLES:
        raise Unsupported("the document does not say where it is sent")
    if location == "header" and (name.lower() in IGNORED_HEADERS or is_credential_header(name)):
        return  # `security.add_header_credentials` handles credentials
    is_required = parameter.get("required") is True or location == "path"
    schema = _schema(parameter, reader)
    if text := reader.words(parameter.get("description")):  # more specific than the description of the schema
        schema["description"] = text
    style = str(parameter.get("style") or DEFAULT_STYLES[location])
    explode = parameter.get("explode", style == "form") is True
    target = {"path": request.path, "query": request.query, "header": request.headers}[location]
    if location == "header":
        header_name(name)
    if location == "query":
        add_entries(request, target, name, schema, style, explode=explode, is_required=is_required)
        return
    if style != "simple":
        raise Unsupported(f"the style {style[:20]} is not supported")
    _add_one(request, target, name, name, as_text(schema, "commas"), is_required=is_required)


def _schema(parameter: Mapping[str, Any], reader: SchemaReader) -> dict[str, Any]:
    content = parameter.get("content")
    if isinstance(content, Mapping) and content:
        media, holder = next(iter(content.items()))
        if "json" not in str(media):
            raise Unsupported(f"it is encoded as {str(media)[:60]}")
        inner = reader.read(holder.get("schema") if isinstance(holder, Mapping) else None)
        return as_json_text(inner)
    return reader.read(parameter.get("schema"))


def add_entries(
    request: Request,
    target: dict[str, str],
    name: str,
    schema: dict[str, Any],
    style: str,
    *,
    explode: bool,
    is_required: bool,
) -> None:
    """Declare the arguments for one or several entries of a query or a form.

    Args:
        request: receives the arguments.
        target: receives the entries, name -> placeholder.
        name: name of the parameter or the form field.
        schema: schema of the value.
        style: a style of the specification.
        explode: whether lists are sent as several entries, and objects as one entry per field.
        is_required: whether the request needs the value.

    Raises:
        Unsupported: the style is not supported, or the value is an object without declared fields.
    """
    schema = _without_objects(schema)
    if style == "deepObject":
        _add_nested(request, target, name, name, schema, is_required=is_required)
    elif style not in SEPARATORS:
        raise Unsupported(f"the style {style[:20]} is not supported")
    elif is_object(schema):
        if not explode or style != "form":
            raise Unsupported("objects are only supported in the styles form (exploded) and deepObject")
        _add_fields(request, target, schema, is_required=is_required)
    elif is_list(schema) and not (explode and style == "form"):
        text = as_text(schema, SEPARATORS[style])
        _add_one(request, target, name, name, text, is_required=is_required)
    else:
        if is_list(schema) and is_object(_without_objects(schema.get("items") or {})):
            raise Unsupported("it is a list of objects")
        _add_one(request, target, name, name, schema, is_required=is_required)


def _add_fields(request: Request, target: dict[str, str], schema: Mapping[str, Any], *, is_required: bool) -> None:
    if not schema.get("properties"):
        raise Unsupported("it is an object without declared fields")
    for field, part in required_first(schema):
        needed = is_required and field in schema.get("required", [])
        if is_object(part) or is_list(part):
            request.leave_out(field, "it is an object or a list within an object", is_required=needed)
        else:
            _add_one(request, target, plain(field, "a field's name"), field, part, is_required=needed)


def _add_nested(
    request: Request,
    target: dict[str, str],
    name: str,
    argument_name: str,
    schema: dict[str, Any],
    *,
    is_required: bool,
    level: int = 0,
) -> None:
    """Send an object as `name[field]` entries in the style deepObject."""
    schema = _without_objects(schema)
    if is_list(schema):
        if is_object(_without_objects(schema.get("items") or {})):
            request.leave_out(name, "it is a list of objects", is_required=is_required)
        else:  # not specified, but common among servers that support deepObject
            _add_one(request, target, f"{name}[]", argument_name, schema, is_required=is_required)
    elif not is_object(schema):
        _add_one(request, target, name, argument_name, schema, is_required=is_required)
    elif not schema.get("properties") or level >= MAX_NESTING:
        request.leave_out(name, "it is an object without declared fields", is_required=is_required)
    else:
        for field, part in required_first(schema):
            needed = is_required and field in schema.get("required", [])
            own = plain(field, "a field's name")
            nested = (f"{name}[{own}]", f"{argument_name}_{own}", part)
            _add_nested(request, target, *nested, is_required=needed, level=level + 1)


def _add_one(
    request: Request,
    target: dict[str, str],
    name: str,
    argument_name: str,
    schema: dict[str, Any],
    *,
    is_required: bool,
) -> None:
    if name.lower() in map(str.lower, target):
        request.leave_out(name, "another parameter is sent with this name", is_required=is_required)
    elif placeholder := request.argument(argument_name, schema, is_required=is_required):
        target[name] = placeholder


def required_first(schema: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the properties of an object, required ones first, since the number of arguments is limited."""
    needed = set(schema.get("required", []))
    return sorted(schema.get("properties", {}).items(), key=lambda pair: pair[0] not in needed)


def as_text(schema: dict[str, Any], separator: str) -> dict[str, Any]:
    """Return the schema of a list as the schema of a text with its values; other schemas do not change.

    Raises:
        Unsupported: the value is an object, or a list of objects.
    """
    schema = _without_objects(schema)
    items = schema.get("items") or {}
    if is_object(schema) or is_object(items):
        raise Unsupported("it is an object")
    if not is_list(schema):
        return schema
    allowed = ", ".join(str(value) for value in items.get("enum", []))
    words = [f"Several values, separated by {separator}.", schema.get("description", ""), items.get("description", "")]
    words.append(f"Allowed: {allowed}." if allowed else "")
    return {"type": "string", "description": " ".join(word for word in words if word)}


def as_json_text(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a text that contains JSON of this schema."""
    fields = ", ".join(schema.get("properties", {}))
    words = ["JSON text.", schema.get("description", ""), f"Fields: {fields}." if fields else ""]
    return {"type": "string", "description": " ".join(word for word in words if word)}


def is_object(schema: Mapping[str, Any]) -> bool:
    """Tell whether values of the schema may be objects."""
    return "object" in _kinds(schema) or "properties" in schema or isinstance(schema.get("additionalProperties"), dict)


def is_list(schema: Mapping[str, Any]) -> bool:
    """Tell whether values of the schema may be lists."""
    return "array" in _kinds(schema) or "items" in schema


def _without_objects(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove objects from alternatives with plain values; replace a single alternative by its schema."""
    for keyword in ("anyOf", "oneOf"):
        options = schema.get(keyword)
        if not options or not any(is_object(option) for option in options):
            continue
        rest = {name: value for name, value in schema.items() if name != keyword}
        kept = [option for option in options if not is_object(option) and option.get("type") != "null"]
        if len(kept) > 1:
            return {**rest, keyword: kept}
        return {**(kept or options)[0], **rest}
    return schema


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]
