"""The body of `POST /v1/chat/completions`."""

from typing import Any, Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from apps_registry.values import AppConfig, Sampling
from chat.doors.openai.errors import InvalidParameter
from chat.turns.client_tools import NO_ARGUMENTS, ClientTool

# Parameters that would change what a client gets back, so ignoring them would mislead it; with the values that do not.
UNSUPPORTED: dict[str, tuple[Any, ...]] = {
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


class Function(BaseModel):
    """A function that the caller's program runs."""

    model_config = ConfigDict(hide_input_in_errors=True)
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class FunctionTool(BaseModel):
    """A tool of a caller."""

    type: Literal["function"]
    function: Function

    def as_client_tool(self) -> ClientTool:
        """Return the tool as a turn takes it."""
        function = self.function
        return ClientTool(function.name, function.description or "", function.parameters or NO_ARGUMENTS)


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """What a client asks for; what is not named here is ignored, such as `user`, `seed` and `store`."""

    model_config = ConfigDict(hide_input_in_errors=True)
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

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """Read a body.

        Raises:
            InvalidParameter: a parameter is missing, malformed or not supported.
        """
        for name, harmless in UNSUPPORTED.items():
            if body.get(name) is not None and body[name] not in harmless:
                raise InvalidParameter(name, "it is not supported", code="unsupported_parameter")
        try:
            return cls.model_validate(body)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InvalidParameter(where, first["msg"].lower().rstrip(".")) from None

    def client_tools(self) -> tuple[ClientTool, ...]:
        """Return the caller's tools; none if `tool_choice` is "none".

        Raises:
            InvalidParameter: `tool_choice` forces a call.
        """
        if self.tool_choice == "none":
            return ()
        if self.tool_choice not in {None, "auto"}:
            problem = 'only "auto" and "none" are supported'
            raise InvalidParameter("tool_choice", problem, code="unsupported_value")
        return tuple(tool.as_client_tool() for tool in self.tools or ())

    def sampling(self, app: AppConfig) -> Sampling:
        """Return the caller's sampling parameters; none if the App does not take them.

        Raises:
            InvalidParameter: a `response_format` that the App does not take, which must not be ignored.
        """
        wanted = None if (self.response_format or {}).get("type") == "text" else self.response_format
        if app.caller_rules.may_sample:
            limit = self.max_completion_tokens or self.max_tokens
            return Sampling(self.temperature, self.top_p, limit, wanted)
        if wanted is not None:
            raise InvalidParameter("response_format", "this App does not take it", code="unsupported_parameter")
        return Sampling()
