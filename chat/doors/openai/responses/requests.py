"""The bodies of Responses and Conversations."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from apps_registry.values import AppConfig, Sampling
from chat.doors.openai.bodies import Body, Function, check_tool_choice, read, sampling_of
from chat.doors.openai.errors import InvalidParameter, UnsupportedType
from chat.turns.input.client_tools import ClientTool

NEEDS_STORED = "it needs a response that is stored, but store is false"
MAX_METADATA, MAX_METADATA_KEY_CHARS, MAX_METADATA_VALUE_CHARS = 16, 64, 512
# The parameters of a request that its response repeats.
REPEATED = (
    *("model", "instructions", "metadata", "previous_response_id", "background", "tools", "tool_choice"),
    *("temperature", "top_p", "max_output_tokens", "text"),
)


class TextFormat(BaseModel):
    """The form of the reply."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="allow")
    type: Literal["text", "json_object", "json_schema"] = "text"

    def as_response_format(self) -> dict[str, Any]:
        """Return the form in the terms of the chat completions protocol."""
        if self.type != "json_schema":
            return {"type": self.type}
        return {"type": self.type, "json_schema": self.model_dump(exclude={"type"}, exclude_none=True)}


class Text(BaseModel):
    """Options for the text of the reply."""

    format: TextFormat | None = None


def _items(value: object) -> object:
    """Return an input as items: a text is a message of the user."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise ValueError("it must be text or a list of items")
    return value


def _name(value: object) -> object:
    """Return the id of a conversation, which an object may hold."""
    named = value.get("id") if isinstance(value, dict) else value
    if not isinstance(named, str | None) or (named is None and value is not None):
        raise ValueError("it must be the id of a conversation, or an object with it as id")
    return named


class WithMetadata(Body):
    """A body with the caller's metadata."""

    is_kept: ClassVar[bool] = True
    metadata: dict[str, str] | None = None

    def checked_metadata(self) -> dict[str, str]:
        """Return the metadata.

        Raises:
            InvalidParameter: there are too many entries, or one is too long.
        """
        metadata = self.metadata or {}
        if len(metadata) > MAX_METADATA:
            raise InvalidParameter("metadata", f"it has {len(metadata)} entries; the limit is {MAX_METADATA}")
        for key, value in metadata.items():
            if len(key) > MAX_METADATA_KEY_CHARS or len(value) > MAX_METADATA_VALUE_CHARS:
                limits = f"{MAX_METADATA_KEY_CHARS} characters, and a value {MAX_METADATA_VALUE_CHARS}"
                raise InvalidParameter("metadata", f"a key may have {limits}")
        return metadata


class ResponseRequest(WithMetadata):
    """The body of `POST /v1/responses`; other parameters, such as `include` and `truncation`, are ignored."""

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "prompt": (),
        "max_tool_calls": (),
        "top_logprobs": (0,),
    }
    model: str
    input: Annotated[list[dict[str, Any]], BeforeValidator(_items)] = Field(default_factory=list)
    instructions: str | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: Annotated[str | None, BeforeValidator(_name)] = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_output_tokens: int | None = Field(default=None, ge=1, le=10_000_000)
    text: Text | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None

    @property
    def is_stored(self) -> bool:
        """Whether clients can retrieve the response later."""
        return self.store is not False

    def check(self) -> None:
        """Check that the parameters can be combined.

        Raises:
            InvalidParameter: they cannot.
        """
        if self.previous_response_id and self.conversation:
            raise InvalidParameter("conversation", "it cannot be sent together with previous_response_id")
        for name in ("background", "conversation"):
            if getattr(self, name) and not self.is_stored:
                raise InvalidParameter(name, NEEDS_STORED)
        self.checked_metadata()

    def client_tools(self) -> tuple[ClientTool, ...]:
        """Return the caller's tools; none if `tool_choice` is "none".

        Raises:
            InvalidParameter: a tool is not a function, or `tool_choice` forces a call.
        """
        for index, tool in enumerate(self.tools or ()):
            if tool.get("type") != "function":
                raise UnsupportedType(f"tools[{index}].type", tool.get("type"), 'send "function"')
        if not check_tool_choice(self.tool_choice):
            return ()
        functions = [read(Function, tool, f"tools[{index}]") for index, tool in enumerate(self.tools or ())]
        return tuple(function.as_client_tool() for function in functions)

    def sampling(self, app: AppConfig) -> Sampling:
        """Return the caller's sampling parameters; none if the App does not accept them.

        Raises:
            InvalidParameter: the App does not accept a `text.format`; ignoring it would mislead.
        """
        form = self.text.format if self.text else None
        requested = Sampling(
            self.temperature, self.top_p, self.max_output_tokens, form.as_response_format() if form else None
        )
        return sampling_of(app, requested, "text.format")

    def repeated(self) -> dict[str, Any]:
        """Return the parameters that the response repeats."""
        sent = self.model_dump(mode="json", include=set(REPEATED), exclude_none=True)
        return {name: value for name, value in sent.items() if value not in ([], {})}


class ConversationRequest(WithMetadata):
    """The body of `POST /v1/conversations`.

    Attributes:
        model: the App of the conversation, an extension of the protocol; by default the App of a key that opens only
            one, otherwise none yet.
    """

    model: str | None = None
    items: list[dict[str, Any]] | None = None


class UpdateRequest(WithMetadata):
    """The body of `POST /v1/conversations/{id}`."""

    metadata: dict[str, str]


class ItemsRequest(Body):
    """The body of `POST /v1/conversations/{id}/items`."""

    is_kept: ClassVar[bool] = True
    items: list[dict[str, Any]]
