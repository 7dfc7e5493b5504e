"""The tool protocol: what a tool is, what it is told of the caller, and how its arguments are checked.

Knows neither Django nor HTTP, so that a tool's test needs no database.
"""

import asyncio
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps_registry.support.outside_text import storable

# The tool that Apps with documents have: answers cite what it finds, so that no other may have its name.
SEARCH_TOOL = "search_documents"
MAX_QUOTED = 60
TIMEOUT_SECONDS = 15.0


class ToolError(Exception):
    """A tool could not answer; the message is written for the model, which may try again."""

    def __init__(self, message: str) -> None:
        super().__init__(storable(message))  # it may quote what a server or a model has written


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the caller.

    Attributes:
        wallet_address: the wallet bound to the session, in canonical form, or None.
        wallet_chain_id: the EIP-155 id of its chain, or None.
        wallet_is_proven: the caller has shown by signature that the wallet is its own; else it only says so.
        turn_id: the turn that calls; None: an operator tries the tool.
        session_id: the conversation that the turn belongs to.
    """

    wallet_address: str | None = None
    wallet_chain_id: int | None = None
    wallet_is_proven: bool = False
    turn_id: UUID | None = None
    session_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call.

    Attributes:
        name: what the model calls it by.
        description: tells the model when and how to use it.
        parameters: JSON Schema of its arguments, an object.
        function: runs it with checked arguments; returns JSON-serialisable data, or text that the model gets as
            it is, or raises ToolError. A coroutine function runs on the event loop, any other in a thread.
        check: returns the arguments if they fit, or raises ToolError; None: `check_arguments` does, which knows
            the part of JSON Schema that built-in tools use.
        timeout_seconds: a call that takes longer is given up.
        needs_confirmation: a call that a model makes waits until the user has approved it.
        is_idempotent: making a call again changes nothing; other calls are journalled before they are made.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[[Mapping[str, Any], ToolContext], Any]
    check: Callable[[Any], Mapping[str, Any]] | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    is_idempotent: bool = True
    needs_confirmation: bool = False

    async def run(self, arguments: Any, context: ToolContext) -> Any:
        """Check the arguments and run the tool.

        Parameters: what the model sent, decoded from JSON; and the caller's context.
        Raises ToolError when the arguments do not fit the schema or the tool cannot answer, TimeoutError when it
        takes too long.
        """
        async with asyncio.timeout(self.timeout_seconds):
            if inspect.iscoroutinefunction(self.function):
                return await self.function(self.checked(arguments), context)
            # Built-in tools are quick, but quick is not instant: the loop serves every other caller too.
            return await asyncio.to_thread(self.call, arguments, context)

    def call(self, arguments: Any, context: ToolContext) -> Any:
        """Do as `run` does with a tool that is no coroutine function, in this thread and without a time limit."""
        return self.function(self.checked(arguments), context)

    def checked(self, arguments: Any) -> Mapping[str, Any]:
        """Return the arguments as the function takes them; raises ToolError when they do not fit the schema."""
        return self.check(arguments) if self.check else check_arguments(self.parameters, arguments)


def check_arguments(parameters: Mapping[str, Any], arguments: Any) -> dict[str, Any]:
    """Return the arguments if they fit the schema, whole floats turned into integers where one is wanted.

    Knows the part of JSON Schema that the signature of a built-in tool can express: flat properties of a
    `type` or `anyOf` types, `enum` and `required`; nothing else is accepted beside them.
    Raises ToolError, saying what to send instead.
    """
    if not isinstance(arguments, Mapping):
        raise ToolError(f"The arguments must be a JSON object, not {_kind(arguments)}.")
    properties = parameters["properties"]
    takes = "This tool takes: " + (", ".join(properties) or "no arguments") + "."
    for name in arguments:
        if name not in properties:
            raise ToolError(f"There is no argument {quoted(str(name))}. {takes}")
    for name in parameters["required"]:
        if name not in arguments:
            raise ToolError(f'The argument "{name}" is missing. {takes}')
    return {name: _read(name, properties[name], value) for name, value in arguments.items()}


def quoted(text: str) -> str:
    """Return text that came from a model in a form that is safe to show: escaped, and not too long."""
    # repr() escapes all that PostgreSQL cannot store (NUL, lone surrogates) and all that misleads the eye.
    return repr(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "...")


def _read(name: str, schema: Mapping[str, Any], value: Any) -> Any:
    for option in schema.get("anyOf", [schema]):
        if _has_type(option["type"], value) and value in option.get("enum", [value]):
            return int(value) if option["type"] == "integer" else value
    shown = quoted(value) if isinstance(value, str) else _kind(value)
    raise ToolError(f'The argument "{name}" must be {_expected(schema)}, not {shown}.')


def _has_type(kind: str, value: Any) -> bool:
    if isinstance(value, bool) or kind == "boolean":  # a bool is an int to Python, but not to JSON
        return isinstance(value, bool) and kind == "boolean"
    if kind == "string":
        return isinstance(value, str)
    if kind == "integer":  # JSON knows one kind of number: some models send 5.0 for 5
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if kind == "number":
        return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return value is None


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    (int, "an integer"),
    (float, "a number"),
    (Mapping, "an object"),
    ((list, tuple), "an array"),
)
_EXPECTED = {
    "string": "a string",
    "integer": "an integer (without quotes)",
    "number": "a finite number (without quotes)",
    "boolean": "true or false (without quotes)",
    "null": "null",
}


def _kind(value: Any) -> str:
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "null")


def _expected(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_expected(option) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(repr(member) for member in schema["enum"])
    return _EXPECTED[schema["type"]]
