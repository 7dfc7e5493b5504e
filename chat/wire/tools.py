"""The JSON of tools that callers declare."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from chat.wire.values import JsonObject, shown_as


@shown_as({"name": "get_weather", "description": "The weather of a city.", "parameters": {"type": "object"}})
class DeclaredTool(TypedDict):
    """A function of the caller's own program, which the model may call."""

    name: Annotated[str, Field(description="1 to 64 letters, digits, `_` or `-`; not the name of a tool of the App.")]
    description: NotRequired[str]
    parameters: NotRequired[Annotated[JsonObject, Field(description="JSON Schema of the arguments, an object.")]]


ClientTools = TypeAliasType("ClientTools", list[DeclaredTool])
