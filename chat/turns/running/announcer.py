"""Publishes the events of a turn to readers: the reply's text in batches, all other events at once."""

import asyncio
from typing import cast

import orjson

from chat.events import RoundEnded, TextDelta, ToolResult, TurnEvent
from chat.turns.output.telling import tell_readers
from chat.turns.running.running_turn import RunningTurn
from chat.wire.events import (
    ConfirmationEvent,
    MessageDeltaEvent,
    StatusChangedEvent,
    ToolCompleteEvent,
    ToolUpdateEvent,
    UpdateEvent,
)
from chat.wire.values import Status
from sessions_app.events.hub import hub

# Text that arrives within this time is sent as one event: a model may send a hundred chunks per second.
BATCH_SECONDS = 0.1


class Announcer:
    """Publishes one turn: its own streams get every event, readers of the session get batches."""

    def __init__(self, turn: RunningTurn, *, app_id: int) -> None:
        self._turn = turn
        self._session_id = turn.session_id
        self._app_id = app_id
        self._pending: list[str] = []
        self._last_sent = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def status(self, status: str) -> None:
        """Publish the session's new status."""
        self._flush()
        self._tell(StatusChangedEvent(type="status_changed", session_id=self._session_id, status=cast(Status, status)))

    def inline_call(self, question: str) -> None:
        """Publish a question to the client, a JSON object; snapshots show it too."""
        self._tell(ConfirmationEvent(type="inline_call", session_id=self._session_id, call=orjson.loads(question)))

    def event(self, event: TurnEvent) -> None:
        """Publish an event of the engine."""
        for listener in self._turn.listeners:
            listener.tell(event)
        match event:
            case TextDelta(text) if self._pending or hub.has_readers(self._session_id):
                self._pending.append(text)
                self._schedule()
            case TextDelta(text):  # no readers now; later readers find it in the state
                self._turn.announced_chars += len(text)
            case RoundEnded(tool_calls=calls):
                self._flush()
                self._turn.announced_chars = 0
                for call in calls:
                    self._tell(
                        ToolUpdateEvent(
                            type="tool_update", session_id=self._session_id, tool_name=call.name, call_id=call.call_id
                        )
                    )
            case ToolResult(call=call, result=result):
                self._tell(
                    ToolCompleteEvent(
                        type="tool_complete",
                        session_id=self._session_id,
                        tool_name=call.name,
                        call_id=call.call_id,
                        result=result,
                    )
                )

    def end(self) -> None:
        """Tell streams of the turn that it has ended and is stored."""
        for listener in self._turn.listeners:
            listener.tell(None)

    def _schedule(self) -> None:
        """Send the first text at once, and later text in batches."""
        loop = asyncio.get_running_loop()
        if self._timer is None:
            due = max(loop.time(), self._last_sent + BATCH_SECONDS)
            self._timer = loop.call_at(due, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            delta = "".join(self._pending)
            # From the offset a reader sees that it joined late or missed a batch.
            self._tell(
                MessageDeltaEvent(
                    type="message_delta",
                    session_id=self._session_id,
                    message_id=self._turn.streaming_id,
                    delta=delta,
                    offset=self._turn.announced_chars,
                )
            )
            self._turn.announced_chars += len(delta)
            self._pending.clear()
            self._last_sent = asyncio.get_running_loop().time()

    def _tell(self, event: UpdateEvent) -> None:
        tell_readers(self._app_id, event)
