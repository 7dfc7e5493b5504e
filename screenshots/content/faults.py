"""Refused calls, and calls of tools to other servers, some of which failed."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from apps_registry.models import App, OutboundCall
from keys.models import AppKey, Refusal
from sessions_app.models import Turn

# Status, code, rule, the key's label (empty: none or an unknown one), address, facts.
REFUSED: tuple[tuple[int, str, str, str, str, dict[str, Any]], ...] = (
    (429, "budget_exhausted", "money_per_day", "Web shop", "203.0.113.7", {"limit": "5", "used": "4.98"}),
    (401, "unauthorized", "key_revoked", "Former agency", "198.51.100.99", {}),
    (403, "forbidden", "app_not_in_scope", "Sales desktop", "198.51.100.12", {}),
    (401, "unauthorized", "key_missing", "", "192.0.2.17", {}),
    (409, "session_busy", "session_busy", "Mobile app", "203.0.113.24", {}),
    (429, "rate_limited", "requests_per_minute", "Web shop", "203.0.113.7", {"limit": 120}),
    (401, "unauthorized", "key_malformed", "", "192.0.2.201", {}),
)
OUTBOUND = (
    ("get_order", "GET", "shop.example.com", 200, 84, 612, "answered"),
    ("get_order", "GET", "shop.example.com", 200, 71, 588, "answered"),
    ("create_return", "POST", "shop.example.com", 201, 143, 204, "answered"),
    ("get_order", "GET", "shop.example.com", 404, 66, 91, "answered"),
    ("get_order", "GET", "shop.example.com", 503, 1_204, 0, "answered"),
    ("get_order", "GET", "shop.example.com", None, 5_000, 0, "did not answer in time"),
)


def fill_faults(app: App, keys: dict[str, AppKey], now: datetime) -> Refusal:
    """Store the rows; return a refused call for the pictures."""
    chance = random.Random(11)
    for number in range(40):
        _refuse(app, keys, now - timedelta(minutes=3 + number * chance.uniform(20, 60)), number)
    turns = list(Turn.objects.filter(app=app, tool_rounds__gt=0).order_by("-started_at")[:60])
    OutboundCall.objects.bulk_create(_outbound(turn, chance) for turn in reversed(turns))
    return Refusal.objects.filter(rule="money_per_day").latest("at")


def _refuse(app: App, keys: dict[str, AppKey], at: datetime, number: int) -> None:
    status, code, rule, label, address, facts = REFUSED[number % len(REFUSED)]
    key = keys.get(label)
    subject = {"limit_of": f"key:{key.pk}"} if key and status == 429 else {}
    Refusal.objects.create(
        id=round(at.timestamp() * 1_000_000) * 1024 + number,
        at=at,
        request_id=f"7f3a2c1e-6f0b-4f5e-9f57-{number:012d}",
        status=status,
        code=code,
        rule=rule,
        key_id=key.pk if key else None,
        app=app.slug,
        address=address,
        method="POST",
        path="/api/chat",
        facts={**subject, **facts},
    )


def _end_of_tool(turn: Turn) -> datetime:
    """Return the time at which the tool of a turn answered."""
    step = next(step for step in turn.steps or [] if step["kind"] == "tool")
    return datetime.fromtimestamp(step["until"] / 1000, UTC)


def _outbound(turn: Turn, chance: random.Random) -> OutboundCall:
    weights = [30, 30, 12, 4, 2, 2]
    tool, method, host, status, milliseconds, received, verdict = chance.choices(OUTBOUND, weights)[0]
    return OutboundCall(
        app_id=turn.app_id,
        turn_id=turn.pk,
        tool=tool,
        method=method,
        host=host,
        address="203.0.113.200",
        status=status,
        milliseconds=milliseconds,
        received_bytes=received,
        verdict=verdict,
        created_at=_end_of_tool(turn),
    )
