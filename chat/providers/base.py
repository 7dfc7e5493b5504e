"""What the engine needs of a language model."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from apps_registry.tools.base import Tool
from chat.history import PromptMessage
from chat.issuers import Issuer

# The request as such is refused: other models would refuse it too. All other refusals lie with the model or its
# provider (no key or a wrong one, no credit, no such model, moved): the operator's to mend, and no reason to leave the
# user without the answer that another model has.
REASONS_OF_REQUEST = frozenset({"http_400", "http_413", "http_422"})


class ModelFailure(Exception):
    """The model did not answer; the message is a sentence for people, without the provider's own words.

    Attributes:
        code: the contract's word, `model_error` or `model_timeout`.
        is_transient: whether the same request may succeed shortly.
        is_of_model: whether it lies with this model or its provider, so that another one may well answer.
        retry_after: seconds that the provider asks to wait, if it says.
        reason: a word for operators: connect, timeout, http_429, no_key, or the code again.
    """

    code = "model_error"

    def __init__(
        self, detail: str, *, is_transient: bool = False, retry_after: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(detail)
        self.reason = reason or self.code
        self.is_transient = is_transient
        is_refusal = self.reason.startswith("http_") and self.reason not in REASONS_OF_REQUEST
        self.is_of_model = is_transient or is_refusal or self.reason in {"no_key", "timeout"}
        self.retry_after = retry_after


class ModelTimeout(ModelFailure):
    """The model was silent for too long."""

    code = "model_timeout"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call, as a server sends it.

    Attributes:
        index: pieces of one call share it, on servers that keep to the protocol; None: not given.
        arguments: JSON text, or a part of one.
        extra: fields that the protocol does not know.
        is_restated: it comes with the whole message, which may repeat what came in pieces.
    """

    index: int | None
    call_id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] | None = None
    is_restated: bool = False


class ModelDelta(NamedTuple):
    """One streamed chunk; a tuple, since there are many and a frozen dataclass takes four times as long to make.

    Attributes:
        text: of the reply.
        reasoning: what the model thinks on its way there; not part of the reply.
        extra: fields of the message that the protocol does not know, which its provider may want back.
    """

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning: str = ""
    extra: Mapping[str, Any] | None = None

    @property
    def is_token(self) -> bool:
        """Whether it says something: many servers send a chunk with the role only before the model has begun."""
        return bool(self.text or self.tool_calls or self.finish_reason)


class ChatModel(Protocol):
    """A language model that streams its answer."""

    @property
    def issuer(self) -> Issuer:
        """Who gave the last answer; before there is one, who will be asked."""
        ...

    def stream(
        self, messages: Sequence[PromptMessage], tools: Sequence[Tool], *, allow_tool_calls: bool
    ) -> AsyncGenerator[ModelDelta, None]:
        """Yield the answer's chunks; raise ModelFailure when there is no complete answer."""
        ...
