"""The decorator that makes a tool of a typed Python function."""

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from apps_registry.tools.base import Tool, ToolContext

_TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def builtin_tool(function: Callable[..., Mapping[str, Any]]) -> Tool:
    """Make a Tool of a function: its name, its docstring's first paragraph, its signature as JSON Schema.

    Parameters may be str, int, float, bool, a Literal, or a union of these with one another and None;
    `Annotated[..., "words"]` describes one to the model, and one with a default is optional. A parameter
    annotated ToolContext receives the context and is not shown to the model. The function must be quick
    and must bound its own work: it runs beside the turns of other callers, and cannot be stopped.
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
        # Not a list under "type": several OpenAI-compatible servers take only one name there.
        return {"anyOf": [_schema(member) for member in members]}
    if origin is Literal:
        return _schema(Union[*(type(member) for member in members)]) | {"enum": list(members)}
    if hint not in _TYPES:
        raise TypeError(f"a built-in tool cannot take a parameter of type {hint!r}")
    return {"type": _TYPES[hint]}
