"""The arguments that a model wrote for a tool call, read without loss."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from apps_registry.plain_json import depth_of, json_problem
from apps_registry.tools.base import ToolError

MAX_DEPTH = 100
_LONG_NUMBER = re.compile(r"[0-9]{17}")


def read_arguments(text: str) -> dict[str, Any]:
    """Return what a model wrote, its numbers exactly as they are; nothing written means no arguments.

    Raises:
        ToolError: it is no JSON object, or nested more than MAX_DEPTH deep; the message is for the model.
    """
    text = text or "{}"
    try:
        arguments = orjson.loads(text)
        if _LONG_NUMBER.search(text):  # orjson rounds integers beyond 64 bits, and amounts of tokens are such
            arguments = json.loads(text)
    except ValueError as error:
        raise ToolError(f"the arguments are not valid JSON: {json_problem(error)}") from None
    if not isinstance(arguments, dict):
        raise ToolError("the arguments are not a JSON object")
    if text.count("[") + text.count("{") > MAX_DEPTH and depth_of(arguments) > MAX_DEPTH:
        raise ToolError(f"the arguments are nested more than {MAX_DEPTH} levels deep")
    return arguments


def dump_arguments(arguments: Mapping[str, Any]) -> str:
    """Return arguments as JSON text, the same for the same arguments."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
