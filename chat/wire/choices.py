"""The JSON of lists of Apps and models."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chat.wire.values import shown_as

AppSlugs = Annotated[list[str], Field(examples=[["default"]])]
ModelNames = Annotated[list[str], Field(examples=[["gpt-5"]])]


@shown_as({"name": "default"})
class AppName(TypedDict):
    """An App that the caller may use."""

    name: str


@shown_as({"success": True, "rig": "gpt-5", "baml": "gpt-5", "created": False})
class ChosenModel(TypedDict):
    """The model that answers the session's next turns."""

    success: Literal[True]
    rig: Annotated[str, Field(description="The model's name.")]
    baml: Annotated[str, Field(description="The same as `rig`, for older clients.")]
    created: Annotated[bool, Field(description="Whether this call created the session.")]
