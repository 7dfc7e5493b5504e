"""What a turn has said and done so far, and what of it is stored in the end."""

import asyncio
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings

from apps_registry.support.outside_text import INTEGER_MAX
from apps_registry.values import AppConfig, ModelConfig
from chat.events import QuestionsOpen, RoundEnded, RoundToFinish, TextDelta, ToolCall, ToolResult, TurnEvent
from chat.issuers import to_store
from chat.providers.base import ModelFailure
from chat.turns.questions import question_event
from chat.turns.turn_listener import TurnListener
from sessions_app.open_calls import UNKNOWN_OUTCOME, OpenCall
from sessions_app.pauses import Pause
from sessions_app.questions import Question
from sessions_app.turns import TurnOutcome
from sessions_app.values import INTERRUPTED, Session, StoredMessage

NOTE_MAX_CHARS = 2_000


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
        open_calls: the calls of the round that runs, in call order, with the results that are there; those at the
            front that have one are messages already.
        earlier: what the turn's tools answered in rounds that are stored.
        count: how many messages the turn has said.
        resumed: the round at which the turn goes on after its client's answers.
        failure: why the model did not answer, if so.
        history_budget: tokens that earlier turns could take in the prompt.
        attempts: the models that did not answer and what their providers refused, each with the reason in a word and
            perhaps a note.
        listeners: those who stream this turn.
        task: ends once the result is stored.
        has_begun: the task runs; one that is cancelled before its first step would store nothing.
        must_stop: somebody wants the turn to end.
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
    open_calls: list[OpenCall] = field(default_factory=list)
    earlier: tuple[ToolResult, ...] = ()
    count: int = 0
    resumed: RoundToFinish | None = None
    failure: ModelFailure | None = None
    history_budget: int = 0
    attempts: list[dict[str, str]] = field(default_factory=list)
    listeners: list[TurnListener] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None
    has_begun: bool = False
    must_stop: bool = False
    is_ending: bool = False
    _must_ask: bool = False
    _started: float = field(default_factory=time.monotonic)
    _started_at: datetime = field(init=False)
    first_token_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: Decimal | None = None
    tool_rounds: int = 0
    _finish_reason: str = ""

    def __post_init__(self) -> None:
        """Note when the turn began, by Postgres's clock: the statement that began it has just set this column."""
        self._started_at = self.session.last_active_at if self.session else datetime.now(UTC)

    def _now(self) -> datetime:
        """Return the time by Postgres's clock, which is what deadlines are compared with; the worker's may be wrong."""
        return self._started_at + timedelta(seconds=time.monotonic() - self._started)

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
        return message_id(self.turn_id, self.count)

    @property
    def has_round_to_store(self) -> bool:
        """Whether a round of tool calls is complete and not yet stored."""
        return bool(self.messages) and not self.open_calls

    def answered_by(self, model: ModelConfig) -> None:
        """A model has begun to answer; what it uses is at its prices."""
        self.model = model

    def not_answered_by(self, model: ModelConfig, reason: str, note: str) -> None:
        """A model did not answer, or its provider refused a part of a request."""
        noted = {"note": note[:NOTE_MAX_CHARS]} if note else {}
        self.attempts.append({"model": model.name, "code": reason, **noted})

    def take(self, event: TurnEvent) -> None:
        """Record what happened."""
        match event:
            case TextDelta(text):
                if self.first_token_ms is None:
                    self.first_token_ms = int((time.monotonic() - self._started) * 1000)
                self.text.append(text)
            case RoundEnded():
                self._end_round(event)
            case ToolResult():
                self._take_result(event)
            case QuestionsOpen(kinds):
                self._must_ask = True
                self.open_calls = [
                    replace(call, confirmation=str(uuid.uuid4()), kind=kinds[call.place])
                    if call.place in kinds
                    else call
                    for call in self.open_calls
                ]

    def completed(self) -> TurnOutcome:
        """The model has answered, or has called something about which the client is asked."""
        return self._paused() if self._must_ask else self._outcome("completed")

    def _paused(self) -> TurnOutcome:
        until = self._now() + timedelta(seconds=settings.CONFIRMATION_SECONDS)
        questions = [question_event(question) for question in self._questions(until)]
        return replace(self._outcome("paused"), pause=Pause(tuple(self.open_calls), questions, until))

    def _questions(self, until: datetime) -> Iterator[Question]:
        for call in self.open_calls:
            if call.confirmation is not None and call.kind is not None:
                yield Question(call.confirmation, call.kind, call.name, call.arguments, until)

    def interrupted(self) -> TurnOutcome:
        """The turn was stopped; what had arrived of the answer is the answer."""
        self._close_calls()
        if text := self.partial_text:
            self._say("agent", text)
        return replace(self._outcome("interrupted"), session_status=INTERRUPTED)

    def failed(self, failure: ModelFailure) -> TurnOutcome:
        """The model did not answer; the operator finds in the turn what had arrived."""
        self._close_calls()
        self.failure = failure
        event = ("SystemError", orjson.dumps(str(failure)).decode())
        return replace(
            self._outcome("failed"),
            error_code=failure.code,
            error_detail=str(failure),
            partial_text=self.partial_text,
            event=event,
        )

    def _end_round(self, event: RoundEnded) -> None:
        self.text.clear()
        self._finish_reason = event.finish_reason
        self.prompt_tokens = _sum(self.prompt_tokens, event.prompt_tokens)
        self.completion_tokens = _sum(self.completion_tokens, event.completion_tokens)
        cost = self.model.cost(event.prompt_tokens, event.completion_tokens)
        self.cost = self.cost if cost is None else (self.cost or 0) + cost
        self.tool_rounds += bool(event.tool_calls)
        reasoning = event.reasoning if self.app.keeps_reasoning else ""
        if event.text:
            extra = to_store(event.issuer, fields=event.extra) if event.extra else None
            number = event.round_number if event.tool_calls else 0
            self._say("agent", event.text, number, extra=extra, reasoning=reasoning)
        self.open_calls = [
            OpenCall(
                event.round_number,
                place,
                call.call_id,
                call.name,
                call.arguments,
                # What belongs to the answer is kept with its first message.
                extra=to_store(event.issuer, fields=None if event.text or place else event.extra, call=call.extra),
                reasoning="" if event.text or place else reasoning,
            )
            for place, call in enumerate(event.tool_calls)
        ]

    def _take_result(self, event: ToolResult) -> None:
        """Keep a result until those of all calls before it are there: the record is in call order."""
        answered = next(number for number, call in enumerate(self.open_calls) if call.place == event.place)
        self.open_calls[answered] = replace(self.open_calls[answered], result=event.result)
        self.say_results()

    def say_results(self) -> None:
        """Make messages of the results that are next in call order."""
        while self.open_calls and self.open_calls[0].result is not None:
            self._say_result(self.open_calls.pop(0))

    def answered(self) -> Iterator[ToolResult]:
        """Yield the results that the client's answers have just brought: of a declined call, that it was not made."""
        for call in self.open_calls:
            if call.confirmation is not None and call.result is not None:
                named = ToolCall(call.call_id, call.name, call.arguments)
                yield ToolResult(call.round_number, named, call.result, call.place)

    def _close_calls(self) -> None:
        """Record every call that was made: a history in which one has no result is no good to any model."""
        for call in self.open_calls:
            self._say_result(call)
        self.open_calls.clear()

    def _say_result(self, call: OpenCall) -> None:
        result = UNKNOWN_OUTCOME if call.result is None else call.result
        named = ToolCall(call.call_id, call.name, call.arguments)
        self._say("tool", result, call.round_number, named, extra=call.extra, reasoning=call.reasoning)

    def _say(
        self,
        role: str,
        content: str,
        tool_round: int = 0,
        call: ToolCall | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        reasoning: str = "",
    ) -> None:
        self.messages.append(
            StoredMessage(
                id=self.streaming_id,
                turn_id=self.turn_id,
                role=role,
                content=content,
                created_at=self._now(),
                tool_round=tool_round,
                tool_name=call.name[:64] if call else "",
                tool_call_id=call.call_id[:100] if call else "",
                tool_arguments=call.arguments if call else "",
                extra=extra,
                reasoning=reasoning,
            )
        )
        self.count += 1

    def _outcome(self, turn_status: str) -> TurnOutcome:
        return TurnOutcome(
            turn_status=turn_status,
            model=self.model.name,
            messages=tuple(self.messages),
            finish_reason=self._finish_reason[:40],
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cost=self.cost,
            attempts=tuple(self.attempts),
            tool_rounds=self.tool_rounds,
            first_token_ms=self.first_token_ms,
        )


def message_id(turn_id: uuid.UUID, number: int) -> uuid.UUID:
    """Return the id of a turn's n-th message, the same on every worker before and after it is stored.

    Clients follow the message that streams in by its id, whichever worker they ask.
    """
    return uuid.uuid5(turn_id, str(number))


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else min((total or 0) + more, INTEGER_MAX)
