"""Sessions, turns and messages of the last 30 days, and a running turn."""

import json
import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps_registry.models import App
from keys.models import AppKey
from screenshots.content.dialogues import DIALOGUES, WHERE, Dialogue, Exchange
from screenshots.content.registry import PRICES
from sessions_app.models import ChatSession, Message, Turn

DAYS = 30
MODELS = {"support": "swift-2", "handbook": "deep-1"}
KEYS = {
    "support": ("Web shop", "Web shop", "Mobile app", "Mobile app", "Partner: returns portal"),
    "handbook": ("Sales desktop", "Nightly reports"),
}
FAILURES = ("model_timeout", "model_error", "budget_exhausted")
STEP_MS = 640


@dataclass
class Rows:
    """Rows that are stored together."""

    sessions: list[ChatSession] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def store(self) -> None:
        """Insert the rows; triggers count the turns as usage."""
        ChatSession.objects.bulk_create(self.sessions)
        Turn.objects.bulk_create(self.turns)
        Message.objects.bulk_create(self.messages)


class Conversations:
    """Generates conversations; the same time gives the same conversations."""

    def __init__(self, apps: dict[str, App], keys: dict[str, AppKey], now: datetime) -> None:
        self.apps, self.keys, self.now = apps, keys, now
        self.chance = random.Random(7)
        self.rows = Rows()

    def fill(self) -> tuple[ChatSession, Turn]:
        """Store everything; return a session for the pictures, and one of its turns with a tool call."""
        for start in self._starts():
            dialogue = self.chance.choice(DIALOGUES)
            self._add(dialogue, start, is_failing=self.chance.random() < 0.02)
        shown = self._add(WHERE, self.now - timedelta(minutes=6), is_failing=False)
        self.rows.store()
        self._run_a_turn()
        return shown, shown.turns.earliest("started_at")

    def _starts(self) -> Iterator[datetime]:
        """Yield the start times of sessions: more on weekdays, more each week, most of them in the afternoon."""
        for day in range(DAYS):
            date = self.now - timedelta(days=DAYS - day)
            busy = (0.4 if date.weekday() >= 5 else 1.0) * (1 + day / DAYS)
            for _ in range(round(12 * busy * self.chance.uniform(0.8, 1.2))):
                hours = min(23.5, max(0.0, self.chance.gauss(12, 5)))
                yield date + timedelta(hours=hours)

    def _add(self, dialogue: Dialogue, start: datetime, *, is_failing: bool) -> ChatSession:
        app, position, at = self.apps[dialogue.app], 0, min(start, self.now - timedelta(minutes=6))
        session = ChatSession(
            id=self._uuid(),
            app=app,
            release=app.live_release,
            title=dialogue.title,
            version=1,
            created_at=at,
            wallet_address=f"0x{self.chance.getrandbits(160):040x}" if self.chance.random() < 0.3 else None,
        )
        key = self.keys[self.chance.choice(KEYS[dialogue.app])]
        for exchange in dialogue.exchanges:
            turn, until = self._turn(session, key, exchange, at, is_failing=is_failing)
            for message in _messages(turn, exchange, at, until):
                message.position, position = position, position + 1
                self.rows.messages.append(message)
            self.rows.turns.append(turn)
            at = until + timedelta(seconds=self.chance.uniform(15, 60))
            session.last_active_at = until
        session.next_position = position
        self.rows.sessions.append(session)
        return session

    def _turn(
        self, session: ChatSession, key: AppKey, exchange: Exchange, at: datetime, *, is_failing: bool
    ) -> tuple[Turn, datetime]:
        """Return a turn and the time of its end."""
        assert session.app is not None
        model = MODELS[session.app.slug]
        prompt, completion = self.chance.randint(700, 2_400), self.chance.randint(40, 260)
        first = round(math.exp(self.chance.gauss(6.1, 0.35)))
        steps = _steps(exchange, model, at, first, (prompt, completion))
        prompt_price, completion_price = map(Decimal, PRICES[model])
        until = at + timedelta(milliseconds=steps[-1]["until"] - steps[0]["at"])
        turn = Turn(
            id=self._uuid(),
            session=session,
            app=session.app,
            app_key_id=key.pk,
            model=model,
            status=Turn.Status.FAILED if is_failing else Turn.Status.COMPLETED,
            error_code=self.chance.choice(FAILURES) if is_failing else "",
            finish_reason="" if is_failing else "stop",
            prompt_tokens=prompt,
            completion_tokens=completion,
            tool_rounds=1 if exchange.tool else 0,
            first_token_ms=first,
            cost=(prompt * prompt_price + completion * completion_price) / 1_000_000,
            steps=steps,
            started_at=at,
            finished_at=until,
        )
        return turn, until

    def _run_a_turn(self) -> None:
        """Store a session with a running turn, whose lease does not expire before the pictures are taken."""
        started, app = self.now - timedelta(seconds=4), self.apps["support"]
        session = ChatSession.objects.create(
            app=app, release=app.live_release, title="Is order 10120 on its way?", version=1, next_position=1
        )
        turn = Turn.objects.create(
            session=session, app=app, app_key_id=self.keys["Mobile app"].pk, model="swift-2", started_at=started
        )
        Message.objects.create(
            session=session, turn=turn, position=0, role="user", content="Is order 10120 on its way?"
        )
        running = {"status": "processing", "running_turn": turn.pk, "lease_expires_at": self.now + timedelta(days=1)}
        ChatSession.objects.filter(pk=session.pk).update(**running)

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)


def _messages(turn: Turn, exchange: Exchange, at: datetime, until: datetime) -> Iterator[Message]:
    """Yield the messages of a turn; a failed turn has no answer."""
    shared: dict[str, Any] = {"session": turn.session, "turn": turn}
    yield Message(**shared, role="user", content=exchange.asked, created_at=at)
    if exchange.tool:
        call = {"tool_round": 1, "tool_name": exchange.tool, "tool_call_id": f"call_{turn.pk.hex[:12]}"}
        call["tool_arguments"] = json.dumps(exchange.arguments)
        result = json.dumps(exchange.result, ensure_ascii=False)
        yield Message(**shared, **call, role="tool", content=result, created_at=until)
    if turn.status == Turn.Status.COMPLETED:
        yield Message(**shared, role="agent", content=exchange.answered, created_at=until)


def _steps(exchange: Exchange, model: str, at: datetime, first: int, tokens: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the timeline of a turn, in milliseconds: a round and, with a tool, its call and another round."""
    begin, (prompt, completion) = round(at.timestamp() * 1000), tokens
    if not exchange.tool:
        return [_round(model, 1, (begin, begin + first, begin + first + 2 * STEP_MS), [prompt, completion])]
    call_start = begin + first + STEP_MS // 4
    call_end = call_start + STEP_MS // 2
    return [
        _round(model, 1, (begin, begin + first, call_start), [prompt // 2, 20]),
        {"kind": "tool", "name": exchange.tool, "round": 1, "at": call_start, "until": call_end},
        _round(
            model,
            2,
            (call_end, call_end + first, call_end + first + 2 * STEP_MS),
            [prompt - prompt // 2, completion - 20],
        ),
    ]


def _round(name: str, number: int, times: tuple[int, int, int], tokens: list[int]) -> dict[str, Any]:
    at, first, until = times
    return {"kind": "model", "name": name, "round": number, "at": at, "first": first, "until": until, "tokens": tokens}
