"""What happens in a turn, as values: the engine yields them, the runner acts on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool; `arguments` is the JSON text as the model wrote it."""

    call_id: str
    name: str
    arguments: str


class TextDelta(NamedTuple):
    """A piece of the reply, as it arrives; a tuple for the reason that ModelDelta is one."""

    text: str


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """The model finished one answer: a text, tool calls or both.

    Attributes:
        round_number: from 1.
        prompt_tokens, completion_tokens: as the provider counted them; None when it does not say.
    """

    round_number: int
    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


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
class ConfirmationNeeded:
    """The round's other calls are made; these wait for the user, and so does the turn.

    Attributes:
        places: which calls of the round, from 0.
    """

    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RoundToFinish:
    """A round that was broken off for a confirmation, now that the user has answered.

    Attributes:
        results: by place; calls without one are approved, and still to be made.
    """

    round_number: int
    text: str
    calls: tuple[ToolCall, ...]
    results: Mapping[int, str]


TurnEvent = TextDelta | RoundEnded | ToolResult | ConfirmationNeeded
ChatMessage = Mapping[str, Any]  # a message of the chat completions protocol
