"""The events of a turn, as values: the engine yields them, and the runner acts on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from chat.issuers import Issuer
from sessions_app.questions import QuestionKind


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that a model requests.

    Attributes:
        arguments: the JSON text as the model wrote it.
        extra: fields outside the protocol, which the model's provider may require back.
    """

    call_id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] | None = None


class TextDelta(NamedTuple):
    """A piece of the reply, as it arrives; a tuple for speed, like ModelDelta."""

    text: str


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """The model has finished one answer: text, tool calls or both.

    Attributes:
        round_number: from 1.
        prompt_tokens, completion_tokens: the provider's counts; None if it sent none.
        issuer: the model that answered.
        extra: fields outside the protocol, which the issuer may require back.
        reasoning: the model's reasoning; not part of the reply.
    """

    round_number: int
    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    issuer: Issuer | None = None
    extra: Mapping[str, Any] | None = None
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's result, as the text that the model reads.

    Attributes:
        place: the call's index in its round, from 0; results arrive in any order.
    """

    round_number: int
    call: ToolCall
    result: str
    place: int


class AskedCall(NamedTuple):
    """A call that waits for the client, with its checked arguments."""

    kind: QuestionKind
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QuestionsOpen:
    """The other calls of the round are made; these calls, and with them the turn, wait for the client.

    Attributes:
        asked: the calls, by their index in the round, from 0.
    """

    asked: Mapping[int, AskedCall]


@dataclass(frozen=True, slots=True)
class RoundToFinish:
    """A round that paused for questions, after the client has answered them.

    Attributes:
        results: by the call's index, including those that the client's answers contain; calls without a result are
            approved and still to be made.
        issuer, extra: as in RoundEnded.
    """

    round_number: int
    text: str
    calls: tuple[ToolCall, ...]
    results: Mapping[int, str]
    issuer: Issuer | None = None
    extra: Mapping[str, Any] | None = None


TurnEvent = TextDelta | RoundEnded | ToolResult | QuestionsOpen
ChatMessage = Mapping[str, Any]  # a message of the chat completions protocol
