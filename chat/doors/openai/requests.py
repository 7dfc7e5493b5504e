"""The body of `POST /v1/chat/completions`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from apps_registry.values import AppConfig, Sampling
from chat.doors.openai.bodies import Body, Function, check_tool_choice, sampling_of
from chat.turns.input.client_tools import ClientTool


class FunctionTool(BaseModel):
    """A tool of a caller."""

    type: Literal["function"]
    function: Function

    def as_client_tool(self) -> ClientTool:
        """Return the tool in the form that turns use."""
        return self.function.as_client_tool()


class StreamOptions(BaseModel):
    """What a stream contains in addition to the reply."""

    include_usage: bool = False


class CompletionRequest(Body):
    """The body of a request; other parameters, such as `user`, `seed` and `store`, are ignored."""

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "n": (1,),
        "logprobs": (False,),
        "top_logprobs": (0,),
        "audio": (),
        "modalities": (["text"],),
        "functions": ([],),
        "function_call": ("none",),
        "prediction": (),
        "web_search_options": (),
        "stop": ([], ""),
    }
    model: str
    messages: list[dict[str, Any]]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=10_000_000)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=10_000_000)
    response_format: dict[str, Any] | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Any = None
    metadata: dict[str, Any] | None = None

    def client_tools(self) -> tuple[ClientTool, ...]:
        """Return the caller's tools; none if `tool_choice` is "none".

        Raises:
            InvalidParameter: `tool_choice` forces a call.
        """
        tools = (self.tools or ()) if check_tool_choice(self.tool_choice) else ()
        return tuple(tool.as_client_tool() for tool in tools)

    def sampling(self, app: AppConfig) -> Sampling:
        """Return the caller's sampling parameters; none if the App does not accept them.

        Raises:
            InvalidParameter: the App does not accept a `response_format`; ignoring it would mislead.
        """
        limit = self.max_completion_tokens or self.max_tokens
        return sampling_of(app, Sampling(self.temperature, self.top_p, limit, self.response_format), "response_format")
