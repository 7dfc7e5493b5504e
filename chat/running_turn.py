"""What a turn has said and done so far, and what of it is stored in the end."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from apps_registry.values import AppConfig, ModelConfig
from chat.events import RoundEnded, TextDelta, ToolCall, ToolResult, TurnEvent
from chat.providers.base import ModelFailure
from chat.turn_listener import TurnListener
from sessions_app.turns import TurnOutcome
from sessions_app.values import INTERRUPTED, Session, StoredMessage


@dataclass(slots=True, eq=False, kw_only=True)
class RunningTurn:
    """A turn on this worker.

    Attributes:
        session: as the turn last stored it; None when it was deleted meanwhile.
        model: the one that answers; until one does, the one to be asked first.
        has_key: the caller has a key scoped to the App.
        messages: what the turn has completed and not yet stored.
        text: the pieces of the answer that streams in.
        announced_chars: how much of that text readers have been told.
        failure: why the model did not answer, if so.
        history_budget: tokens that earlier turns could take in the prompt.
        attempts: the models that were not to be had, each with the reason in a word.
        listeners: those who stream this turn.
        task: ends once the result is stored.
        is_ending: the result is being stored, which nothing may break off.
    """

    turn_id: uuid.UUID
    session_id: uuid.UUID
    session: Session | None
    app: AppConfig
    model: ModelConfig
    has_key: bool
    messages: list[StoredMessage] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    announced_chars: int = 0
    failure: ModelFailure | None = None
    history_budget: int = 0
    attempts: list[dict[str, str]] = field(default_factory=list)
    listeners: list[TurnListener] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None
    is_ending: bool = False
    _count: int = 0
    _calls_open: int = 0
    _started: float = field(default_factory=time.monotonic)
    _first_token_ms: int | None = None
    _prompt_tokens: int | None = None
    _completion_tokens: int | None = None
    _cost: Decimal | None = None
    _tool_rounds: int = 0
    _finish_reason: str = ""

    @property
    def partial_text(self) -> str:
        """What of the answer has arrived."""
        return "".join(self.text)

    @property
    def unstored_text(self) -> str:
        """What the agent has said and no statement has stored: it survives the worker through its lease."""
        return "".join(message.content for message in self.messages if message.role == "agent") + self.partial_text

    @property
    def streaming_id(self) -> uuid.UUID:
        """The id that the message now streaming in has, and keeps when it is complete."""
        return message_id(self.turn_id, self._count)

    @property
    def has_round_to_store(self) -> bool:
        """Whether a round of tool calls is complete and not yet stored."""
        return bool(self.messages) and self._calls_open == 0

    def answered_by(self, model: ModelConfig) -> None:
        """A model has begun to answer; what it uses is at its prices."""
        self.model = model

    def not_answered_by(self, model: ModelConfig, reason: str) -> None:
        """A model was not to be had."""
        self.attempts.append({"model": model.name, "code": reason})

    def take(self, event: TurnEvent) -> None:
        """Record what happened."""
        match event:
            case TextDelta(text):
                if self._first_token_ms is None:
                    self._first_token_ms = int((time.monotonic() - self._started) * 1000)
                self.text.append(text)
            case RoundEnded():
                self._end_round(event)
            case ToolResult(round_number, call, result):
                self._calls_open -= 1
                self._say("tool", result, round_number, call)

    def completed(self) -> TurnOutcome:
        """The model has answered."""
        return self._outcome("completed")

    def interrupted(self) -> TurnOutcome:
        """The turn was stopped; what had arrived of the answer is the answer."""
        if text := self.partial_text:
            self._say("agent", text)
        return self._outcome("interrupted", session_status=INTERRUPTED)

    def failed(self, failure: ModelFailure) -> TurnOutcome:
        """The model did not answer; the operator finds in the turn what had arrived."""
        self.failure = failure
        event = ("SystemError", orjson.dumps(str(failure)).decode())
        return self._outcome(
            "failed",
            error_code=failure.code,
            error_detail=str(failure),
            partial_text=self.partial_text,
            event=event,
        )

    def _end_round(self, event: RoundEnded) -> None:
        self.text.clear()
        self._finish_reason = event.finish_reason
        self._prompt_tokens = _sum(self._prompt_tokens, event.prompt_tokens)
        self._completion_tokens = _sum(self._completion_tokens, event.completion_tokens)
        cost = self.model.cost(event.prompt_tokens, event.completion_tokens)
        self._cost = self._cost if cost is None else (self._cost or 0) + cost
        self._tool_rounds += bool(event.tool_calls)
        self._calls_open = len(event.tool_calls)
        if event.text:
            self._say("agent", event.text, event.round_number if event.tool_calls else 0)

    def _say(self, role: str, content: str, tool_round: int = 0, call: ToolCall | None = None) -> None:
        self.messages.append(
            StoredMessage(
                id=self.streaming_id,
                turn_id=self.turn_id,
                role=role,
                content=content,
                created_at=datetime.now(UTC),
                tool_round=tool_round,
                tool_name=call.name[:64] if call else "",
                tool_call_id=call.call_id[:100] if call else "",
                tool_arguments=call.arguments if call else "",
            )
        )
        self._count += 1

    def _outcome(self, turn_status: str, **more: object) -> TurnOutcome:
        return TurnOutcome(
            turn_status=turn_status,
            model=self.model.name,
            messages=tuple(self.messages),
            finish_reason=self._finish_reason[:40],
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            tool_rounds=self._tool_rounds,
            first_token_ms=self._first_token_ms,
            cost=self._cost,
            attempts=tuple(self.attempts),
            **more,  # type: ignore[arg-type]
        )


def message_id(turn_id: uuid.UUID, number: int) -> uuid.UUID:
    """Return the id of a turn's n-th message, the same on every worker before and after it is stored.

    Clients follow the message that streams in by its id, whichever worker they ask.
    """
    return uuid.uuid5(turn_id, str(number))


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more
