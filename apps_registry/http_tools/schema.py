"""JSON Schemas that operators write: checked when they are saved, then held against what models send.

jsonschema-rs matches patterns in linear time; by itself it would fetch remote references, so it is given a
retriever that refuses each.
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
# Of arguments that do not fit: with up to so many values the first error is told, with up to so many some of them.
EXPLAINED_VALUES = 500
EXPLAINED_WHOLE_VALUES = 20
# What every provider takes as the name of an argument.
ARGUMENT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def find_schema_problem(parameters: Any) -> str | None:
    """Return what is wrong with a tool's parameters, for an operator; None: nothing is."""
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        return 'The schema must be an object with "type": "object".'
    if any(depth > MAX_DEPTH for depth, _ in _walk(parameters)):
        return f"The schema is nested more than {MAX_DEPTH} levels deep."
    try:
        length = len(orjson.dumps(parameters))
    except TypeError:
        return "The schema holds a number that is too large."
    if length > MAX_CHARS:
        return f"The schema is longer than {MAX_CHARS} characters."
    properties = parameters.get("properties", {})
    if not isinstance(properties, dict):
        return '"properties" must be an object.'
    for name in properties:
        if not ARGUMENT_NAME.match(name):
            return f"The argument {name[:80]!r} needs another name: up to 64 letters, digits, and . _ -"
    return _reference_problem(parameters) or _cost_problem(parameters) or _compile_problem(parameters)


def compile_schema(parameters: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator for a tool's arguments, which refuses arguments that the schema does not name.

    Raises:
        ValueError: it is not a schema.
    """
    return jsonschema_rs.Draft202012Validator(
        {"additionalProperties": False, **parameters},
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=2**20, dfa_size_limit=2**20),
        mask="the value",
    )


def check(validator: jsonschema_rs.Draft202012Validator, arguments: Any) -> dict[str, Any]:
    """Return the arguments if they fit.

    Raises:
        ToolError: they do not; the message says where and why, for the model to mend.
    """
    if not isinstance(arguments, dict):
        raise ToolError("The arguments must be a JSON object.")
    if validator.is_valid(arguments):
        return arguments
    raise ToolError("The arguments do not fit: " + "; ".join(_complaints(validator, arguments))[:1000])


def _complaints(validator: jsonschema_rs.Draft202012Validator, arguments: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong, in as much detail as is cheap.

    Each error takes along a copy of what it is about, for each of the alternatives that were tried: 64 kB of
    arguments against a choice of 500 make a gigabyte of them.
    """
    values = sum(map(dump_arguments(arguments).count, "[{,"))
    if values > EXPLAINED_VALUES:
        yield "they are too many to say where"
        return
    errors = validator.iter_errors(arguments) if values <= EXPLAINED_WHOLE_VALUES else _first(validator, arguments)
    for _, error in zip(range(MAX_ERRORS), errors, strict=False):
        where = ".".join(str(step) for step in error.instance_path)
        yield f"{where}: {error.message}" if where else error.message


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
            return "$ref may only point into the schema itself, such as #/$defs/item."
        if isinstance(node.get("$dynamicRef"), str):
            return "Write $ref in place of $dynamicRef."
        if isinstance(node.get("$id"), str):
            return "A schema of a tool has no $id."
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
    """Yield every value with its depth; not recursive, since an operator's text may nest at will."""
    pending = [(0, root)]
    while pending:
        depth, node = pending.pop()
        yield depth, node
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        pending += [(depth + 1, child) for child in children]


def _refuse(uri: str) -> Any:
    raise ValueError("schemas are not fetched")
