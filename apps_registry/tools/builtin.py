"""The decorator that makes a tool of a typed Python function."""

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from apps_registry.tools.base import Tool, ToolContext

_TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def builtin_tool(function: Callable[..., Mapping[str, Any]]) -> Tool:
    """Make a Tool from a function: its name, the first paragraph of its docstring, its signature as JSON Schema.

    A parameter may be a str, int, float, bool, a Literal, or a union of these and None; `Annotated[..., "text"]`
    describes it to the model, and a default makes it optional. A parameter annotated ToolContext receives the context
    and is hidden from the model. The function must be fast and must limit its own work: it shares the process with the
    turns of other callers and cannot be stopped.
    Raises TypeError, at import, for a signature or docstring that cannot be shown to a model.
    """
    description = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    if not description:
        raise TypeError(f"{function.__name__} needs a docstring that tells the model what it does")
    hints = get_type_hints(function, include_extras=True)
    context_names = [name for name, hint in hints.items() if hint is ToolContext]

    def run(arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        return function(**arguments, **dict.fromkeys(context_names, context))

    return Tool(function.__name__, description, _parameters(function, hints), run)


def _parameters(function: Callable[..., Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints or parameter.kind not in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        ):
            raise TypeError(f"{function.__name__}: parameter {name} must be named and typed")
        if hints[name] is ToolContext:
            continue
        properties[name] = _schema(hints[name])
        if parameter.default is parameter.empty:
            required.append(name)
        else:
            properties[name]["default"] = parameter.default
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _schema(hint: Any) -> dict[str, Any]:
    origin, members = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _schema(members[0]) | {"description": members[1]}
    if origin in (Union, types.UnionType):
        # No list under "type": several OpenAI-compatible servers accept only one name there.
        return {"anyOf": [_schema(member) for member in members]}
    if origin is Literal:
        return _schema(Union[*(type(member) for member in members)]) | {"enum": list(members)}
    if hint not in _TYPES:
        raise TypeError(f"a built-in tool cannot take a parameter of type {hint!r}")
    return {"type": _TYPES[hint]}
