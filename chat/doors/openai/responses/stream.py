"""Streams a turn as the events of a response."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chat.api.errors import code_and_sentence, problem
from chat.api.streams.following import KEEPALIVE, events_of, keepalives_until_idle
from chat.api.streams.guard import Opened
from chat.doors.openai.chunks import DONE
from chat.doors.openai.errors import of_problem
from chat.doors.openai.responses.beginning import Begun
from chat.doors.openai.responses.events import Events
from chat.doors.openai.responses.ids import message_item_id
from chat.doors.openai.responses.items import text_item
from chat.doors.openai.responses.replies import NOTHING_YET, Reply, reply_to
from chat.doors.openai.responses.wire import response_body
from chat.events import RoundEnded, TextDelta, ToolResult, TurnEvent
from chat.turns.output.message_body import message_bodies
from chat.turns.output.messages import message_id
from chat.turns.running.running_turn import RunningTurn
from sessions_app.open_calls import OpenCall
from sessions_app.values import StoredMessage

LAST_EVENTS = {"completed": "response.completed", "failed": "response.failed"}


@dataclass(slots=True)
class _Followed:
    """A running turn, as far as its events have told: its messages, by which texts get their ids and citations."""

    turn: RunningTurn
    messages: list[StoredMessage] = field(init=False)
    count: int = field(init=False)

    def __post_init__(self) -> None:
        stored = self.turn.session.messages if self.turn.session else ()
        self.messages = [*stored, *self.turn.messages]
        self.count = self.turn.count
        for call in _silent_calls(self.turn):
            self._add("tool", call.result or "", tool_name=call.name)

    def earlier(self, after_round: int) -> Iterator[dict[str, Any]]:
        """Yield the texts of rounds that have ended, after the one at which the request continued the turn."""
        for index, message in enumerate(self.messages):
            is_own = message.turn_id == self.turn.turn_id and message.role == "agent" and message.content
            if is_own and message.tool_round > after_round:
                yield self._item(index)

    def take(self, event: TurnEvent, events: Events) -> Iterator[bytes]:
        """Yield the response's events for one of the turn."""
        match event:
            case TextDelta(text):
                yield from events.delta(message_item_id(self._id), text)
            case RoundEnded(text=text) if text:
                self._add("agent", text)
                yield from events.whole(self._item(-1))
            case ToolResult(call=call, result=result):
                self._add("tool", result, tool_name=call.name)

    @property
    def _id(self) -> Any:
        return message_id(self.turn.turn_id, self.count)

    def _add(self, role: str, text: str, *, tool_name: str = "") -> None:
        now = datetime.now(UTC)
        self.messages.append(StoredMessage(self._id, self.turn.turn_id, role, text, now, tool_name=tool_name))
        self.count += 1

    def _item(self, index: int) -> dict[str, Any]:
        until = self.messages[: index + 1] if index >= 0 else self.messages
        (body,) = message_bodies(until, len(until) - 1)
        return text_item(body)


def _silent_calls(turn: RunningTurn) -> list[OpenCall]:
    """Return the calls whose results are not messages yet, but will be without another event.

    A turn that resumes announces the client's answers first; results that it had before, it does not announce again.
    """
    with_results = [call for call in turn.open_calls if call.result is not None]
    resumed = turn.resumed.round_number if turn.resumed and not turn.is_asking else None
    return [call for call in with_results if call.round_number != resumed or call.confirmation is None]


async def response_events(begun: Begun, opened: Opened, label: str) -> AsyncGenerator[bytes, None]:
    """Yield the events of a response, from its beginning.

    Args:
        begun: the request; if another worker runs its turn, all output comes at its end.
        opened: the session and its reader, who may lose access.
        label: the name of the App, for calls that need an approval.
    """
    events = Events()
    for kind in _first_events(begun):
        status = "queued" if kind == "queued" else "in_progress"
        yield events.event(f"response.{kind}", response=_body(begun, Reply(status)))
    async with aclosing(_output(begun, opened, events)) as output:
        async for written in output:
            yield written
    try:
        if opened.refusal is not None:
            raise opened.refusal
        reply = await reply_to(begun, label)
    except Exception as error:
        told = of_problem(problem(*code_and_sentence(error)))["error"]
        yield events.event("error", code=told["code"], message=told["message"], param=None)
        return
    for item in reply.output:
        for written in events.whole(item):
            yield written
    yield events.event(LAST_EVENTS.get(reply.status, "response.incomplete"), response=_body(begun, reply))
    yield DONE


def _first_events(begun: Begun) -> list[str]:
    return (
        ["created", "queued", "in_progress"] if begun.record.request.get("background") else ["created", "in_progress"]
    )


def _body(begun: Begun, reply: Reply = NOTHING_YET) -> dict[str, Any]:
    return response_body(begun.id, begun.record, reply, is_stored=begun.is_stored)


async def _output(begun: Begun, opened: Opened, events: Events) -> AsyncGenerator[bytes, None]:
    """Yield the events of the output while the turn runs here, and comments in silence."""
    if begun.running is None:
        async with aclosing(keepalives_until_idle(opened)) as silences:
            async for _ in silences:
                yield KEEPALIVE
        return
    followed: _Followed | None = None
    async with aclosing(_following(begun.running, opened)) as turn_events:
        async for known, event in turn_events:
            if followed is None:
                followed = known
                for item in followed.earlier(begun.record.round_number):
                    for written in events.whole(item):
                        yield written
            if event is None:
                yield KEEPALIVE
                continue
            for written in followed.take(event, events):
                yield written


async def _following(running: RunningTurn, opened: Opened) -> AsyncGenerator[tuple[_Followed, TurnEvent | None], None]:
    """Yield the turn's events, each with the turn as it was when the following began."""
    async with aclosing(events_of(running, opened)) as turn_events:
        # Nothing else runs between this copy and the first step of `events_of`, which begins to listen.
        known = _Followed(running)
        async for event in turn_events:
            yield known, event
