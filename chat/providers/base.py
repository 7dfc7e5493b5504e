"""The engine's interface to language models."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from apps_registry.support.text.outside_text import storable, storable_count
from apps_registry.tools.base import Tool
from chat.issuers import Issuer
from chat.prompt.history import PromptMessage

# The request itself is refused: other models would refuse it too. All other refusals concern the model or its provider,
# such as a wrong key, no credit or an unknown model. An operator must fix those; until then another model may answer.
REASONS_OF_REQUEST = frozenset({"http_400", "http_413", "http_422"})

MAX_TOKENS = 100_000_000  # per answer; a higher count is an error of the provider


class ModelFailure(Exception):
    """The model did not answer; the exception's text is a sentence for people, without the provider's own words.

    Attributes:
        code: the API's error code, `model_error` or `model_timeout`.
        is_transient: whether the same request may succeed shortly.
        is_of_model: whether the cause is this model or its provider, so that another model may answer.
        retry_after: how many seconds the provider asks us to wait, if it does.
        reason: a word for operators: connect, timeout, http_429, no_key, or the code again.
        note: a sentence for operators, shown on the turn's page; may be empty.
    """

    code = "model_error"

    def __init__(
        self, detail: str, *, is_transient: bool = False, retry_after: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(detail)
        self.note = ""
        self.reason = reason or self.code
        self.is_transient = is_transient
        is_refusal = self.reason.startswith("http_") and self.reason not in REASONS_OF_REQUEST
        self.is_of_model = is_transient or is_refusal or self.reason in {"no_key", "timeout"}
        self.retry_after = retry_after


class ModelTimeout(ModelFailure):
    """The model was silent for too long."""

    code = "model_timeout"


class TimeLimits(NamedTuple):
    """How long a model may be silent, in seconds, and the settings that set these limits.

    Attributes:
        first_token: until the first chunk.
        gap: between two chunks.
        first_token_setting, gap_setting: the settings to change for longer limits.
    """

    first_token: float
    gap: float
    first_token_setting: str
    gap_setting: str

    def words(self, *, has_begun: bool) -> str:
        """Return a sentence for operators about an exceeded limit."""
        if has_begun:
            return f"The model sent nothing more for {self.gap:g} s; the limit is {self.gap_setting}."
        return f"The model sent no token within {self.first_token:g} s; the limit is {self.first_token_setting}."


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call, as a server sends it.

    Attributes:
        index: shared by all pieces of a call, on servers that follow the protocol; None if the server sent none.
        arguments: JSON text, or a part of it.
        extra: fields outside the protocol.
        is_restated: whether it is part of a whole message, which may repeat earlier pieces.
    """

    index: int | None
    call_id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] | None = None
    is_restated: bool = False

    def storable(self) -> "ToolCallDelta":
        """Return the piece without characters that Postgres cannot store."""
        return replace(
            self,
            call_id=storable(self.call_id),
            name=storable(self.name),
            arguments=storable(self.arguments),
        )


class ModelDelta(NamedTuple):
    """One streamed chunk; a tuple, because there are many and creating a frozen dataclass takes four times as long.

    Attributes:
        text: the text of the reply.
        reasoning: the model's reasoning; not part of the reply.
        extra: fields of the message outside the protocol, which its provider may require back.
    """

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning: str = ""
    extra: Mapping[str, Any] | None = None

    def storable(self) -> "ModelDelta":
        """Return the chunk without characters that Postgres cannot store.

        Every provider's events pass through here. JSON escapes in arguments are handled later, because one escape may
        be split between two chunks. Fields that go back verbatim are unchanged: `reading.verbatim` drops those that
        cannot be stored.
        """
        text = storable(self.text)
        if self[1:] == NOTHING_MORE:
            return self if text == self.text else ModelDelta(text)
        return ModelDelta(
            text,
            tuple(call.storable() for call in self.tool_calls),
            storable(self.finish_reason),
            storable_count(self.prompt_tokens, maximum=MAX_TOKENS),
            storable_count(self.completion_tokens, maximum=MAX_TOKENS),
            storable(self.reasoning),
            self.extra,
        )

    @property
    def is_token(self) -> bool:
        """Whether the chunk has content: many servers send a chunk with only the role before the model starts."""
        return bool(self.text or self.tool_calls or self.finish_reason)


NOTHING_MORE = ModelDelta()[1:]


class ChatModel(Protocol):
    """A language model that streams its answer."""

    @property
    def issuer(self) -> Issuer:
        """The issuer of the last answer; before the first answer, the issuer that will be asked."""
        ...

    def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks; raises ModelFailure if there is no complete answer."""
        ...
