"""The arguments that a model wrote for a tool call, read without loss."""

import json
import re
from collections.abc import Mapping
from typing import Any

from apps_registry.support.plain_json import TooDeep, json_problem, read_json, read_json_exactly
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
        arguments = read_json(text, max_depth=MAX_DEPTH)
        if _LONG_NUMBER.search(text):  # orjson rounds integers beyond 64 bits, and amounts of tokens are such
            arguments = read_json_exactly(text, max_depth=MAX_DEPTH)
    except TooDeep:
        raise ToolError(f"the arguments are nested more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:
        raise ToolError(f"the arguments are not valid JSON: {json_problem(error)}") from None
    if not isinstance(arguments, dict):
        raise ToolError("the arguments are not a JSON object")
    return arguments


def dump_arguments(arguments: Mapping[str, Any]) -> str:
    """Return arguments as JSON text, the same for the same arguments."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
