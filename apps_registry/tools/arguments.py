"""Parses the arguments that a model wrote for a tool call, without losing digits."""

import json
import re
from collections.abc import Mapping
from typing import Any

from apps_registry.support.text.plain_json import TooDeep, json_problem, read_json, read_json_exactly
from apps_registry.tools.base import ToolError

MAX_DEPTH = 100
_LONG_NUMBER = re.compile(r"[0-9]{17}")


def read_arguments(text: str) -> dict[str, Any]:
    """Parse the arguments of a tool call with exact numbers; empty text means no arguments.

    Raises:
        ToolError: it is not a JSON object, or nested deeper than MAX_DEPTH; the message is for the model.
    """
    text = text or "{}"
    try:
        arguments = read_json(text, max_depth=MAX_DEPTH)
        if _LONG_NUMBER.search(text):  # orjson rounds integers beyond 64 bits, such as token amounts in base units
            arguments = read_json_exactly(text, max_depth=MAX_DEPTH)
    except TooDeep:
        raise ToolError(f"the arguments are nested more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:
        raise ToolError(f"the arguments are not valid JSON: {json_problem(error)}") from None
    if not isinstance(arguments, dict):
        raise ToolError("the arguments are not a JSON object")
    return arguments


def dump_arguments(arguments: Mapping[str, Any]) -> str:
    """Return arguments as canonical JSON text: equal arguments give equal text."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
