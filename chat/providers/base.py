"""What the engine needs of a language model."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from apps_registry.support.outside_text import storable, storable_count
from apps_registry.tools.base import Tool
from chat.issuers import Issuer
from chat.prompt.history import PromptMessage

# The request as such is refused: other models would refuse it too. All other refusals lie with the model or its
# provider (no key or a wrong one, no credit, no such model, moved): the operator's to mend, and no reason to leave the
# user without the answer that another model has.
REASONS_OF_REQUEST = frozenset({"http_400", "http_413", "http_422"})

MAX_TOKENS = 100_000_000  # of one answer; more is a provider's mistake


class ModelFailure(Exception):
    """The model did not answer; the message is a sentence for people, without the provider's own words.

    Attributes:
        code: the contract's word, `model_error` or `model_timeout`.
        is_transient: whether the same request may succeed shortly.
        is_of_model: whether it lies with this model or its provider, so that another one may well answer.
        retry_after: seconds that the provider asks to wait, if it says.
        reason: a word for operators: connect, timeout, http_429, no_key, or the code again.
        note: a sentence for operators, who find it on the turn's page; empty: there is nothing more to say.
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
    """How long a model may be silent, in seconds, and which settings say so.

    Attributes:
        first_token: until the first chunk.
        gap: between two chunks.
        first_token_setting, gap_setting: what an operator changes to give it more.
    """

    first_token: float
    gap: float
    first_token_setting: str
    gap_setting: str

    def words(self, *, has_begun: bool) -> str:
        """Return what to tell an operator of a silence that was too long."""
        if has_begun:
            return f"Nothing more came for {self.gap:g} s; the limit is {self.gap_setting}."
        return f"No token came within {self.first_token:g} s; the limit is {self.first_token_setting}."


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

    def storable(self) -> "ToolCallDelta":
        """Return the piece as it can be stored."""
        return replace(
            self,
            call_id=storable(self.call_id),
            name=storable(self.name),
            arguments=storable(self.arguments),
        )


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

    def storable(self) -> "ModelDelta":
        """Return the chunk as it can be stored, whatever the provider wrote; escapes in arguments are left for later.

        Every provider's events pass through here: the halves of an escape may come in different chunks. Fields that
        go back verbatim stay as they are: `reading.verbatim` drops those that cannot be stored.
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
        """Whether it says something: many servers send a chunk with the role only before the model has begun."""
        return bool(self.text or self.tool_calls or self.finish_reason)


NOTHING_MORE = ModelDelta()[1:]


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
