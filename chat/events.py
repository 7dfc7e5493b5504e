"""What happens in a turn, as values: the engine yields them, the runner acts on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from chat.issuers import Issuer
from sessions_app.questions import QuestionKind


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool.

    Attributes:
        arguments: the JSON text as the model wrote it.
        extra: fields that the protocol does not know, which the model's provider may want back.
    """

    call_id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] | None = None


class TextDelta(NamedTuple):
    """A piece of the reply, as it arrives; a tuple for the reason that ModelDelta is one."""

    text: str


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """The model finished one answer: a text, tool calls or both.

    Attributes:
        round_number: from 1.
        prompt_tokens, completion_tokens: as the provider counted them; None when it does not say.
        issuer: who gave the answer.
        extra: fields that the protocol does not know, which the issuer may want back.
        reasoning: what the model thought on its way; not part of the reply.
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
    """What a tool answered, as the text that the model reads.

    Attributes:
        place: which call of its round it answers, from 0; results come as they are there.
    """

    round_number: int
    call: ToolCall
    result: str
    place: int


@dataclass(frozen=True, slots=True)
class QuestionsOpen:
    """The round's other calls are made; these wait for the client, and so does the turn.

    Attributes:
        kinds: what the client is asked about each call, by the call's number in the round, from 0.
    """

    kinds: Mapping[int, QuestionKind]


@dataclass(frozen=True, slots=True)
class RoundToFinish:
    """A round that was broken off for questions, now that the client has answered them.

    Attributes:
        results: by place, those that answers brought among them; calls without one are approved, and still to be made.
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
