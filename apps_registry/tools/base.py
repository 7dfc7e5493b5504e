"""The tool protocol: what a tool is, what it knows about the caller, and how its arguments are checked.

Independent of Django and HTTP, so that the tests of a tool need no database.
"""

import asyncio
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps_registry.support.text.outside_text import storable

# Apps with documents have this tool. Answers cite its results, so no other tool may use its name.
SEARCH_TOOL = "search_documents"
MAX_QUOTED = 60
TIMEOUT_SECONDS = 15.0


class ToolError(Exception):
    """A tool call failed; the message is for the model, which may try again."""

    def __init__(self, message: str) -> None:
        super().__init__(storable(message))  # it may quote text of a server or a model


def is_tool_error(result: str) -> bool:
    """Tell whether a tool's result is the error of a failed call: a JSON object that has only an `error`.

    Args:
        result: the text that the model reads; its end may be cut off.
    """
    if not result.startswith('{"error":'):
        return False
    try:
        data = orjson.loads(result)
    except orjson.JSONDecodeError:
        return True  # cut off
    return len(data) == 1 and data["error"] is not None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know about the caller.

    Attributes:
        wallet_address: the wallet bound to the session, in canonical form, or None.
        wallet_chain_id: the EIP-155 id of its chain, or None.
        wallet_is_proven: whether the caller has proven by signature that it owns the wallet, or only claims it.
        turn_id: the turn that makes the call; None: an operator tries the tool.
        session_id: the session of the turn.
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
        name: the name that the model uses.
        description: tells the model when and how to use it.
        parameters: JSON Schema of its arguments, an object.
        function: runs the tool with checked arguments. It returns JSON-serialisable data, or text that the model gets
            unchanged, or raises ToolError. A coroutine function runs on the event loop, any other in a thread.
        check: returns valid arguments or raises ToolError; None: `check_arguments`, which supports the part of JSON
            Schema that built-in tools use.
        timeout_seconds: maximum duration of a call.
        needs_confirmation: whether a call by the model waits until the user approves it.
        is_idempotent: whether repeating a call changes nothing; other calls are journalled before they are made.
        runs_at_client: whether the caller's program makes the calls; the turn waits for its answers.
        question: the kind of question that asks the program (sessions_app/questions.py).
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[[Mapping[str, Any], ToolContext], Any]
    check: Callable[[Any], Mapping[str, Any]] | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    is_idempotent: bool = True
    needs_confirmation: bool = False
    runs_at_client: bool = False
    question: str = "client_tool"

    async def run(self, arguments: Any, context: ToolContext) -> Any:
        """Check the arguments and run the tool.

        Args:
            arguments: the model's arguments, decoded from JSON.
            context: what the tool may know about the caller.

        Raises:
            ToolError: the arguments do not match the schema, or the call failed.
            TimeoutError: the call took too long.
        """
        async with asyncio.timeout(self.timeout_seconds):
            if inspect.iscoroutinefunction(self.function):
                return await self.function(self.checked(arguments), context)
            # Built-in tools are fast, but the event loop must not wait even for them: it serves all other callers too.
            return await asyncio.to_thread(self.call, arguments, context)

    def call(self, arguments: Any, context: ToolContext) -> Any:
        """Check the arguments and run a tool that is not a coroutine function, in this thread, without a time limit."""
        return self.function(self.checked(arguments), context)

    def checked(self, arguments: Any) -> Mapping[str, Any]:
        """Return the arguments as the function takes them; raise ToolError if they do not match the schema."""
        return self.check(arguments) if self.check else check_arguments(self.parameters, arguments)


def check_arguments(parameters: Mapping[str, Any], arguments: Any) -> dict[str, Any]:
    """Return arguments that match the schema; whole floats become integers where the schema asks for one.

    Supports only the part of JSON Schema that the signature of a built-in tool can express: flat properties with a
    `type` or `anyOf` types, `enum` and `required`.
    Raises ToolError with a message that says what to send instead.
    """
    if not isinstance(arguments, Mapping):
        raise ToolError(f"The arguments must be a JSON object, not {_kind(arguments)}.")
    properties = parameters["properties"]
    accepted = "This tool takes: " + (", ".join(properties) or "no arguments") + "."
    for name in arguments:
        if name not in properties:
            raise ToolError(f"There is no argument {quoted(str(name))}. {accepted}")
    for name in parameters["required"]:
        if name not in arguments:
            raise ToolError(f'The argument "{name}" is missing. {accepted}')
    return {name: _read(name, properties[name], value) for name, value in arguments.items()}


def quoted(text: str) -> str:
    """Return text of a model in a form that is safe to show: escaped and short."""
    # repr() escapes everything that PostgreSQL cannot store (NUL, lone surrogates) and all invisible characters.
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
    if kind == "integer":  # JSON has only one number type: some models send 5.0 for 5
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
