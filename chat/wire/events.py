"""The JSON in the `data:` lines of both event streams."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from chat.wire.sessions import InlineCall, Snapshot
from chat.wire.values import Status


class TextEvent(TypedDict):
    """A piece of the reply."""

    type: Literal["text"]
    session_id: UUID
    content: str


class ToolCallEvent(TypedDict):
    """The model calls a tool."""

    type: Literal["tool_call"]
    session_id: UUID
    name: str
    call_id: str
    args: Annotated[str, Field(description="The arguments as JSON, exactly as the model wrote it.")]


class ToolResultEvent(TypedDict):
    """A tool has answered."""

    type: Literal["tool_result"]
    session_id: UUID
    call_id: str
    name: str
    result: str


class ErrorEvent(TypedDict):
    """The model failed (the user's message is kept), or the caller lost access (the stream ends)."""

    type: Literal["error"]
    session_id: UUID
    message: str
    code: Annotated[
        str, Field(description="An error code, as in the body of an error response.", examples=["model_error"])
    ]


class CompleteEvent(TypedDict):
    """The last event of the stream, with the resulting session."""

    type: Literal["complete"]
    session_id: UUID
    snapshot: Snapshot


ChatEvent = TypeAliasType(
    "ChatEvent",
    Annotated[TextEvent | ToolCallEvent | ToolResultEvent | ErrorEvent | CompleteEvent, Field(discriminator="type")],
)


class TitleChangedEvent(TypedDict):
    """The session has a new title."""

    type: Literal["title_changed"]
    session_id: UUID
    new_title: str


class StatusChangedEvent(TypedDict):
    """A turn began or ended."""

    type: Literal["status_changed"]
    session_id: UUID
    status: Status


class MessageDeltaEvent(TypedDict):
    """A piece of the reply."""

    type: Literal["message_delta"]
    session_id: UUID
    message_id: UUID
    delta: str
    offset: Annotated[int, Field(ge=0, description="The number of characters of the message before this piece.")]


class ToolUpdateEvent(TypedDict):
    """A tool is being called."""

    type: Literal["tool_update"]
    session_id: UUID
    tool_name: str
    call_id: str


class ToolCompleteEvent(TypedDict):
    """A tool has answered."""

    type: Literal["tool_complete"]
    session_id: UUID
    tool_name: str
    call_id: str
    result: str


class ConfirmationEvent(TypedDict):
    """The user must confirm a tool call; the snapshot contains the same question."""

    type: Literal["inline_call"]
    session_id: UUID
    call: InlineCall


class NoticeEvent(TypedDict):
    """A text that was sent to `POST /api/system`."""

    type: Literal["system_notice"]
    session_id: UUID
    message: str


UpdateEvent = TypeAliasType(
    "UpdateEvent",
    Annotated[
        TitleChangedEvent
        | StatusChangedEvent
        | MessageDeltaEvent
        | ToolUpdateEvent
        | ToolCompleteEvent
        | ConfirmationEvent
        | NoticeEvent,
        Field(discriminator="type"),
    ],
)
