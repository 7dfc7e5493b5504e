"""The events that the playground's page gets while a turn runs: each step with its time, and the end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from apps_registry.admin.display import amount_of, money
from apps_registry.tools.base import is_tool_error
from chat.events import QuestionsOpen, RoundEnded, TextDelta, ToolResult, TurnEvent
from chat.turns.output.message_body import message_bodies
from chat.turns.running.running_turn import RunningTurn
from sessions_app.admin.markdown import to_html
from sessions_app.questions import OF_CLIENT, QuestionKind
from sessions_app.values import INTERRUPTED, Session

# The page shows this much of a result; the turn's conversation has all of it.
RESULT_SHOWN = 20_000


@dataclass(slots=True)
class StepEvents:
    """The events of one turn for the page; times are milliseconds after its start."""

    running: RunningTurn
    _started: float = field(default_factory=time.monotonic)
    _since: int = 0  # the beginning of the round, or of its calls
    _first: int | None = None

    def began(self) -> dict[str, Any]:
        """Return the event that names the turn."""
        return {
            "type": "began",
            "session_id": self.running.session_id,
            "turn_id": self.running.turn_id,
            "turn_url": reverse("admin:sessions_app_turn_change", args=[self.running.turn_id]),
            "session_url": reverse("admin:sessions_app_chatsession_change", args=[self.running.session_id]),
        }

    def event(self, event: TurnEvent) -> Iterator[dict[str, Any]]:
        """Yield the page's events for an event of the turn."""
        match event:
            case TextDelta(text):
                if self._first is None:
                    self._first = self._now()
                yield {"type": "text", "text": text}
            case RoundEnded():
                yield self._round(event)
            case ToolResult(call=call, result=result):
                now = self._now()
                step = {"round": event.round_number, "place": event.place, "name": call.name, "at": now}
                shown = {"result": result[:RESULT_SHOWN], "result_chars": len(result), "failed": is_tool_error(result)}
                yield {"type": "result", **step, **shown, "milliseconds": now - self._since}
            case QuestionsOpen():
                pass  # the turn stores the questions; the event of its end contains them

    def _round(self, event: RoundEnded) -> dict[str, Any]:
        now, model = self._now(), self.running.model
        cost = model.cost(event.prompt_tokens, event.completion_tokens)
        calls = [
            {"place": index, "name": call.name, "arguments": call.arguments}
            for index, call in enumerate(event.tool_calls)
        ]
        step = {
            "type": "round",
            "round": event.round_number,
            "model": model.name,
            "at": now,
            "milliseconds": now - self._since,
            "first": None if self._first is None else self._first - self._since,
            "tokens": _tokens(event.prompt_tokens, event.completion_tokens),
            "cost": money(cost),
            "calls": calls,
            "text": event.text,
            "reasoning": event.reasoning[:RESULT_SHOWN],
        }
        self._since, self._first = now, None
        return step

    def ended(self) -> dict[str, Any]:
        """Return the event that describes the end of the turn; call it when the turn is stored."""
        end, session, used = self.running.end, self.running.session, self.running.used
        status = "interrupted" if session is not None and session.status == INTERRUPTED else end.status
        return {
            "type": "end",
            "status": status,
            "error": end.error_detail,
            "code": end.error_code,
            "attempts": list(self.running.attempts),
            "questions": [
                {"id": call.confirmation, "kind": _kind(call.kind), "name": call.name, "arguments": call.arguments}
                for call in end.open_calls
                if call.confirmation is not None and call.is_approved is None
            ],
            "replies": list(_replies(session, self.running)) if session is not None else [],
            "model": self.running.model.name,
            "tokens": _tokens(used.prompt_tokens, used.completion_tokens),
            "cost": money(used.cost),
            "milliseconds": self._now(),
        }

    def _now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _kind(kind: QuestionKind | None) -> str | None:
    """Return the kind of a question. In place of a client or its wallet, the operator enters the result."""
    return QuestionKind.CLIENT_TOOL if kind in OF_CLIENT else kind


def _tokens(prompt: int | None, completion: int | None) -> str:
    return "" if prompt is None and completion is None else f"{amount_of(prompt or 0)} + {amount_of(completion or 0)}"


def _replies(session: Session, running: RunningTurn) -> Iterator[dict[str, Any]]:
    """Yield what the App has written in the turn, as the console shows it, with its citations."""
    messages = enumerate(session.messages)
    start = next((index for index, message in messages if message.turn_id == running.turn_id), None)
    if start is None:
        return
    for body in message_bodies(session.messages, start):
        if body["sender"] == "agent" and body["tool_result"] is None:
            yield {"html": to_html(body["content"]), "citations": body["citations"]}
