"""JSON Schemas of operators: checked when they are saved, then used to validate the arguments of models.

jsonschema-rs matches patterns in linear time. By default it would fetch remote references, so it gets a retriever that
refuses all of them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import orjson

from apps_registry.http_tools.schema_cost import TooCostly, check_cost
from apps_registry.tools.arguments import dump_arguments
from apps_registry.tools.base import ToolError

MAX_CHARS = 32_000
MAX_DEPTH = 20
MAX_ERRORS = 3
# Maximum number of values in invalid arguments for which the first error, or the first MAX_ERRORS errors, are reported.
MAX_VALUES_FIRST_ERROR = 500
MAX_VALUES_ALL_ERRORS = 20
# Argument names that every provider accepts.
ARGUMENT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def find_schema_problem(parameters: Any) -> str | None:
    """Return the error in a tool's parameters, for an operator; None if they are valid."""
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        return 'The schema must be an object with "type": "object".'
    if is_too_deep(parameters):
        return f"The schema is nested more than {MAX_DEPTH} levels deep."
    try:
        length = len(orjson.dumps(parameters))
    except TypeError:
        return "The schema contains a number that is too large."
    if length > MAX_CHARS:
        return f"The schema is longer than {MAX_CHARS} characters."
    properties = parameters.get("properties", {})
    if not isinstance(properties, dict):
        return '"properties" must be an object.'
    for name in properties:
        if not ARGUMENT_NAME.match(name):
            return f"The argument {name[:80]!r} needs another name: up to 64 letters, digits, and . _ -"
    return _reference_problem(parameters) or _cost_problem(parameters) or _compile_problem(parameters)


def is_too_deep(parameters: Any) -> bool:
    """Tell whether a schema is nested more than MAX_DEPTH levels deep."""
    return any(depth > MAX_DEPTH for depth, _ in _walk(parameters))


def compile_schema(parameters: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator for a tool's arguments that refuses arguments outside the schema.

    Raises:
        ValueError: the schema is invalid.
    """
    return jsonschema_rs.Draft202012Validator(
        {"additionalProperties": False, **parameters},
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=2**20, dfa_size_limit=2**20),
        mask="the value",
    )


def check(validator: jsonschema_rs.Draft202012Validator, arguments: Any) -> dict[str, Any]:
    """Return the arguments if they match the schema.

    Raises:
        ToolError: they do not match; the message tells the model where and why.
    """
    if not isinstance(arguments, dict):
        raise ToolError("The arguments must be a JSON object.")
    if validator.is_valid(arguments):
        return arguments
    raise ToolError("The arguments are invalid: " + "; ".join(_complaints(validator, arguments))[:1000])


def _complaints(validator: jsonschema_rs.Draft202012Validator, arguments: dict[str, Any]) -> Iterator[str]:
    """Yield the errors, with as much detail as is cheap.

    Each error contains a copy of its value for each of the alternatives that were tried: 64 kB of arguments and 500
    alternatives need a gigabyte.
    """
    values = sum(map(dump_arguments(arguments).count, "[{,"))
    if values > MAX_VALUES_FIRST_ERROR:
        yield "there are too many values to report where"
        return
    errors = validator.iter_errors(arguments) if values <= MAX_VALUES_ALL_ERRORS else _first(validator, arguments)
    for _, error in zip(range(MAX_ERRORS), errors, strict=False):
        path = ".".join(str(step) for step in error.instance_path)
        yield f"{path}: {error.message}" if path else error.message


def _first(
    validator: jsonschema_rs.Draft202012Validator, arguments: dict[str, Any]
) -> Iterator[jsonschema_rs.ValidationError]:
    try:
        validator.validate(arguments)
    except jsonschema_rs.ValidationError as error:
        yield error


def _reference_problem(parameters: Mapping[str, Any]) -> str | None:
    for _, node in _walk(parameters):
        if not isinstance(node, dict):
            continue
        reference = node.get("$ref")
        if isinstance(reference, str) and reference != "#" and not reference.startswith("#/"):
            return "$ref may only refer to the schema itself, such as #/$defs/item."
        if isinstance(node.get("$dynamicRef"), str):
            return "Use $ref instead of $dynamicRef."
        if isinstance(node.get("$id"), str):
            return "The schema of a tool cannot have an $id."
        if isinstance(node.get("$schema"), str) and node["$schema"].rstrip("#") != DIALECT:
            return f"The schema must be of the dialect {DIALECT}."
    return None


def _cost_problem(parameters: Mapping[str, Any]) -> str | None:
    try:
        check_cost(parameters)
    except TooCostly as error:
        return str(error)
    return None


def _compile_problem(parameters: Mapping[str, Any]) -> str | None:
    try:
        compile_schema(parameters)
    except ValueError as error:  # jsonschema_rs.ValidationError is one
        return f"This is not a JSON Schema: {getattr(error, 'message', str(error))[:300]}"
    return None


def _walk(root: Any) -> Iterator[tuple[int, Any]]:
    """Yield every value with its depth; not recursive, since the depth is not limited yet."""
    pending = [(0, root)]
    while pending:
        depth, node = pending.pop()
        yield depth, node
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        pending += [(depth + 1, child) for child in children]


def _refuse(uri: str) -> Any:
    raise ValueError("schemas are not fetched")
