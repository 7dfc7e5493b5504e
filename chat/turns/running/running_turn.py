"""The state of a running turn. How it ends is in outcomes.py."""

import asyncio
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps_registry.values import AppConfig, ModelConfig
from chat.events import QuestionsOpen, RoundEnded, RoundToFinish, TextDelta, ToolCall, ToolResult, TurnEvent
from chat.issuers import to_store
from chat.providers.base import ModelFailure
from chat.turns.background.kept_requests import Recording
from chat.turns.input.options import NO_OPTIONS, TurnOptions
from chat.turns.input.reservation import message_bytes, reserve
from chat.turns.output.messages import calls_of, message_id
from chat.turns.output.turn_listener import TurnListener
from chat.turns.pausing.asking import as_question
from chat.turns.running.steps import Steps
from keys.limits.values import Payer
from sessions_app.open_calls import UNKNOWN_OUTCOME, OpenCall
from sessions_app.turns.values import NOTHING_USED, TurnEnd
from sessions_app.values import Reservation, Session, StoredMessage, TurnUsage

NOTE_MAX_CHARS = 2_000


@dataclass(slots=True, eq=False, kw_only=True)
class RunningTurn:
    """A turn on this worker.

    Attributes:
        session: the session as the turn last stored it; None if it was deleted meanwhile.
        model: the model that answers; until one does, the first one to call.
        has_key: whether the caller has a key scoped to the App.
        options: what the caller asks of this turn.
        messages: completed messages that are not stored yet.
        text: the pieces of the answer that is streaming in.
        announced_chars: how many characters of that text were published to readers.
        open_calls: the calls of the current round, in call order, with the results so far. Calls become messages in
            call order, so a call with a result stays here while an earlier one has none.
        earlier: the results of the turn's stored rounds.
        count: the number of messages of the turn, without the user's.
        resumed: the round at which the turn resumes after the client's answers.
        failure: why the model failed, if it did.
        payer: for whom the turn counts.
        used: what the finished rounds have used.
        reservation: what the current round may use.
        prompt_bound: an upper bound of the tokens of the next prompt.
        is_asking: whether a model may be answering the current round, which is not counted yet.
        history_budget: the tokens that earlier turns may take in the prompt.
        attempts: failed models and refused parts of requests, each with a code and an optional note.
        listeners: the streams of this turn.
        task: ends when the result is stored.
        has_begun: whether the task has started; a task that is cancelled before its first step would store nothing.
        must_stop: whether an interrupt was requested.
        is_ending: whether the result is being stored, which must not be cancelled.
        must_ask: whether the turn pauses for questions to its client.
        has_answered: whether a model has begun to answer the current round.
        steps: when its rounds and calls began and ended.
        recording: what models are sent, if the App keeps it.
    """

    turn_id: uuid.UUID
    session_id: uuid.UUID
    session: Session | None
    app: AppConfig
    model: ModelConfig
    has_key: bool
    payer: Payer
    reservation: Reservation
    prompt_bound: int
    used: TurnUsage = NOTHING_USED
    is_asking: bool = False
    options: TurnOptions = NO_OPTIONS
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
    must_ask: bool = False
    has_answered: bool = False
    _started: float = field(default_factory=time.monotonic)
    _started_at: datetime = field(init=False)
    first_token_ms: int | None = None
    tool_rounds: int = 0
    finish_reason: str = ""
    steps: Steps = field(init=False)
    recording: Recording | None = None

    def __post_init__(self) -> None:
        """Take the start time from Postgres's clock: the statement that started the turn has just set this column."""
        self._started_at = self.session.last_active_at if self.session else datetime.now(UTC)
        self.steps = Steps(self.now)
        if self.open_calls:
            names = {call.place: call.name for call in self.open_calls if call.result is None}
            self.steps.calls_go_on(self.open_calls[0].round_number, names)
        if self.app.keeps_requests and (self.app.caller_rules.keeps_stateless_text or not self.options.is_stateless):
            last = max((result.round_number for result in self.earlier), default=0)
            last = self.resumed.round_number if self.resumed else last
            self.recording = Recording(self.app.id, self.turn_id, last_round=last, now=self.now)

    def now(self) -> datetime:
        """Return the time by Postgres's clock, which also checks deadlines; the worker's clock may be wrong."""
        return self._started_at + timedelta(seconds=time.monotonic() - self._started)

    @property
    def partial_text(self) -> str:
        """The text of the answer so far."""
        return "".join(self.text)

    @property
    def unstored_text(self) -> str:
        """The agent's text that is not stored yet; it is stored with each lease renewal, in case the worker dies."""
        return "".join(message.content for message in self.messages if message.role == "agent") + self.partial_text

    @property
    def streaming_id(self) -> uuid.UUID:
        """The id of the message that is streaming in, which it keeps when it is complete."""
        return message_id(self.turn_id, self.count)

    @property
    def has_round_to_store(self) -> bool:
        """Whether a round of tool calls is complete and not yet stored."""
        return bool(self.messages) and not self.open_calls

    def answered_by(self, model: ModelConfig) -> None:
        """Record the model that has started to answer; its prices apply from here."""
        self.model = model
        self.has_answered = True

    def not_answered_by(self, model: ModelConfig, reason: str, note: str) -> None:
        """Record a model's failure, or a part of a request that its provider refused."""
        optional_note = {"note": note[:NOTE_MAX_CHARS]} if note else {}
        self.attempts.append({"model": model.name, "code": reason, **optional_note})

    def take(self, event: TurnEvent) -> None:
        """Update the state with an event of the engine."""
        match event:
            case TextDelta(text):
                if self.first_token_ms is None:
                    self.first_token_ms = int((time.monotonic() - self._started) * 1000)
                self.steps.text_arrived()
                self.text.append(text)
            case RoundEnded():
                self.steps.round_ended(event, self.model.name)
                self._end_round(event)
            case ToolResult():
                self.steps.answered(event)
                self._take_result(event)
            case QuestionsOpen(asked):
                self.must_ask = True
                self.open_calls = [
                    as_question(call, asked[call.place], self.session, self.messages, self.open_calls[:index])
                    if call.place in asked
                    else call
                    for index, call in enumerate(self.open_calls)
                ]

    @property
    def end(self) -> TurnEnd:
        """How the turn has ended, or what it waits for; to be read once its task is done."""
        status = "paused" if self.open_calls else "failed" if self.failure else "completed"
        detail = str(self.failure or "")
        code = self.failure.code if self.failure else ""
        tokens = (self.used.prompt_tokens, self.used.completion_tokens)
        return TurnEnd(status, code, detail, self.finish_reason, *tokens, tuple(self.open_calls))

    def reserve_next(self) -> Reservation:
        """Reserve what the next round may use, by the messages so far."""
        self.reservation = reserve(self.app, self.prompt_bound, self.options.sampling_over(self.app.sampling))
        return self.reservation

    def count_uncounted_round(self) -> None:
        """Count the reservation of a round that was cut off: the provider charges for what it has generated."""
        if self.is_asking:
            self.is_asking = False
            self.used = self.used.with_unreported(self.reservation)

    def _end_round(self, event: RoundEnded) -> None:
        if self.recording is not None:
            self.recording.round_ended(event.round_number)
        self.text.clear()
        self.finish_reason = event.finish_reason
        self.is_asking = self.has_answered = False
        cost = self.model.cost(event.prompt_tokens, event.completion_tokens)
        self.used = self.used.with_round(event.prompt_tokens, event.completion_tokens, cost, self.reservation)
        self.tool_rounds += bool(event.tool_calls)
        reasoning = event.reasoning if self.app.keeps_reasoning else ""
        if event.text:
            extra = to_store(event.issuer, fields=event.extra) if event.extra else None
            number = event.round_number if event.tool_calls else 0
            self.add_message("agent", event.text, number, extra=extra, reasoning=reasoning)
        self.open_calls = calls_of(event, reasoning)

    def _take_result(self, event: ToolResult) -> None:
        """Keep a result until all earlier calls have theirs: messages are stored in call order."""
        position = next(position for position, call in enumerate(self.open_calls) if call.place == event.place)
        self.open_calls[position] = replace(self.open_calls[position], result=event.result)
        self.add_results()

    def add_results(self) -> None:
        """Turn results into messages, in call order, up to the first call without a result."""
        while self.open_calls and self.open_calls[0].result is not None:
            self._add_result(self.open_calls.pop(0))

    def answered(self) -> Iterator[ToolResult]:
        """Yield the results in the client's answers, such as that of a declined call, which is not made."""
        for call in self.open_calls:
            if call.confirmation is not None and call.result is not None:
                tool_call = ToolCall(call.call_id, call.name, call.arguments)
                yield ToolResult(call.round_number, tool_call, call.result, call.place)

    def close_calls(self) -> None:
        """Give every open call a result: models refuse a history in which a call has none."""
        for call in self.open_calls:
            self._add_result(call)
        self.open_calls.clear()

    def _add_result(self, call: OpenCall) -> None:
        result = UNKNOWN_OUTCOME if call.result is None else call.result
        tool_call = ToolCall(call.call_id, call.name, call.arguments)
        self.add_message("tool", result, call.round_number, tool_call, extra=call.extra, reasoning=call.reasoning)

    def add_message(
        self,
        role: str,
        content: str,
        tool_round: int = 0,
        call: ToolCall | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        reasoning: str = "",
    ) -> None:
        """Add a message that the turn has completed."""
        self.messages.append(
            StoredMessage(
                id=self.streaming_id,
                turn_id=self.turn_id,
                role=role,
                content=content,
                created_at=self.now(),
                tool_round=tool_round,
                tool_name=call.name[:64] if call else "",
                tool_call_id=call.call_id[:100] if call else "",
                tool_arguments=call.arguments if call else "",
                extra=extra,
                reasoning=reasoning,
            )
        )
        self.prompt_bound += message_bytes(self.messages[-1])
        self.count += 1
