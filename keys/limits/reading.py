"""What is left of a subject's limits, for pages, commands and holders of keys."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from keys.limits.values import Limits
from keys.models import LimitSet, LimitState

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit, and what is left of it.

    Attributes:
        what: "requests", "turns", "tokens" or "money".
        per: "minute", "day", "month" or "" (turns at the same time).
        left: what the next call may use, without what running turns have reserved.
        resets_at: when all of it is there again; None for turns at the same time.
    """

    what: str
    per: str
    limit: Decimal | int
    left: Decimal | int
    resets_at: datetime | None


def limits_of(subject: str) -> Limits | None:
    """Return the limits of a subject as they are stored; None if it has none."""
    row = LimitSet.objects.filter(pk=subject).first()
    return Limits(**{name: getattr(row, name) for name in Limits.__dataclass_fields__}) if row else None


def standings(subject: str, *, limits: Limits | None = None, now: datetime | None = None) -> list[Standing]:
    """Return the limits of a subject and what is left of them; empty if it has none.

    Args:
        subject: such as `key_subject(7)`.
        limits: its limits where the settings have them; None reads the stored ones.
        now: the time; None takes this machine's.
    """
    limits, now = limits or limits_of(subject), now or datetime.now(UTC)
    if limits is None:
        return []
    used = LimitState.objects.filter(pk=subject).first() or _unused(subject, now)
    return [
        *_requests(limits, used, now),
        *_turns(limits, used),
        *_budgets(limits, used, now.date()),
    ]


def _unused(subject: str, now: datetime) -> LimitState:
    zero = Decimal(0)
    money = {"reserved_money": zero, "day_money": zero, "month_money": zero}
    counts = {"running_turns": 0, "reserved_tokens": 0, "day_tokens": 0, "month_tokens": 0}
    return LimitState(subject=subject, day=now.date(), month=now.date().replace(day=1), **money, **counts)


def _requests(limits: Limits, used: LimitState, now: datetime) -> list[Standing]:
    if limits.requests_per_minute is None:
        return []
    burst, step = limits.burst or limits.requests_per_minute, MINUTE / limits.requests_per_minute
    behind = max(0.0, (used.next_request_at - now).total_seconds()) if used.next_request_at else 0.0
    left = max(0, min(burst, int(burst - behind / step + 1e-9)))
    return [Standing("requests", "minute", limits.requests_per_minute, left, now + timedelta(seconds=behind))]


def _turns(limits: Limits, used: LimitState) -> list[Standing]:
    if limits.concurrent_turns is None:
        return []
    left = max(0, limits.concurrent_turns - used.running_turns)
    return [Standing("turns", "", limits.concurrent_turns, left, None)]


def _budgets(limits: Limits, used: LimitState, today: date) -> list[Standing]:
    found = []
    for per, resets in (("day", _midnight(today + timedelta(days=1))), ("month", _midnight(_next_month(today)))):
        began = today if per == "day" else today.replace(day=1)
        is_now = getattr(used, per) >= began
        for what, reserved in (("tokens", used.reserved_tokens), ("money", used.reserved_money)):
            limit = getattr(limits, f"{what}_per_{per}")
            if limit is not None:
                spent = getattr(used, f"{per}_{what}") if is_now else 0
                found.append(Standing(what, per, limit, max(limit - limit, limit - spent - reserved), resets))
    return found


def _next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
