"""The JSON of lists of Apps and models."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chat.wire.values import shown_as

AppSlugs = Annotated[list[str], Field(examples=[["default"]])]
ModelNames = Annotated[list[str], Field(examples=[["gpt-5"]])]


@shown_as({"name": "default"})
class AppName(TypedDict):
    """An App, as clients of `/api/session/apps` read it."""

    name: str


@shown_as({"success": True, "rig": "gpt-5", "baml": "gpt-5", "created": False})
class ChosenModel(TypedDict):
    """The model that answers from now on."""

    success: Literal[True]
    rig: Annotated[str, Field(description="The model's name.")]
    baml: Annotated[str, Field(description="`rig` again.")]
    created: Annotated[bool, Field(description="Whether the session was made by this call.")]
