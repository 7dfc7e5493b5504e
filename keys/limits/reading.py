"""What is left of a subject's limits, for pages, commands and key holders."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import orjson
from django.db import connection

from keys.limits.admission import as_json
from keys.limits.values import Limits
from keys.models import LimitSet

# A subject that has not called since it got its limits has no state yet; its state will begin with its earlier usage.
_LIMITS = tuple(field.name for field in fields(Limits))
READ_STATE = f"""
WITH now AS (SELECT %(subject)s AS subject, (clock_timestamp() AT TIME ZONE 'UTC')::date AS today)
SELECT requests, running_turns, reserved_tokens, reserved_money,
    COALESCE(day_tokens, (SELECT tokens FROM keys_limits_used(now.subject, today))),
    COALESCE(day_money, (SELECT money FROM keys_limits_used(now.subject, today))),
    COALESCE(month_tokens, (SELECT tokens FROM keys_limits_used(now.subject, date_trunc('month', today)::date))),
    COALESCE(month_money, (SELECT money FROM keys_limits_used(now.subject, date_trunc('month', today)::date))),
    blocked_until, {", ".join(f"in_force.{name}" for name in _LIMITS)}
FROM now, keys_limits_of(%(limits)s::jsonb) in_force,
    keys_limits_sum(now.subject, in_force, clock_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What a subject has used of its limits.

    Attributes:
        requests: how full the bucket of requests is, from 0 to the burst.
        reserved_tokens, reserved_money: what running turns may still use.
        blocked_until: all calls are refused until then; None: calls are not blocked.
    """

    requests: float = 0.0
    running_turns: int = 0
    reserved_tokens: int = 0
    reserved_money: Decimal = Decimal(0)
    day_tokens: int = 0
    day_money: Decimal = Decimal(0)
    month_tokens: int = 0
    month_money: Decimal = Decimal(0)
    blocked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit, and what is left of it.

    Attributes:
        what: "requests", "turns", "tokens" or "money".
        per: "minute", "day", "month" or "" (turns at the same time).
        left: what the next call may use, without what running turns have reserved.
        resets_at: when the whole limit is available again; None for turns at the same time.
    """

    what: str
    per: str
    limit: Decimal | int
    left: Decimal | int
    resets_at: datetime | None


def limits_of(subject: str) -> Limits | None:
    """Return the limits of a subject as they are stored; None if it has none."""
    row = LimitSet.objects.filter(pk=subject).first()
    return Limits(**{field.name: getattr(row, field.name) for field in fields(Limits)}) if row else None


def used_by(subject: str, limits: Limits | None = None) -> Used:
    """Return what a subject has used; for the arguments see `limits_and_use`."""
    return limits_and_use(subject, limits)[1]


def limits_and_use(subject: str, limits: Limits | None = None) -> tuple[Limits, Used]:
    """Return the limits of a subject, and what it has used of them; one query.

    Args:
        subject: such as `key_subject(7)`.
        limits: those that the settings give a subject without a row.
    """
    limits_json = orjson.dumps(as_json(subject, limits or Limits())).decode()
    with connection.cursor() as cursor:
        cursor.execute(READ_STATE, {"subject": subject, "limits": limits_json})
        row = cursor.fetchone()
    names = [field.name for field in fields(Used)]
    used = {name: value for name, value in zip(names, row, strict=False) if value is not None}
    return Limits(**dict(zip(_LIMITS, row[len(names) :], strict=True))), Used(**used)


def standings(subject: str, *, limits: Limits | None = None) -> list[Standing]:
    """Return the limits of a subject and what is left of them; empty if it has none.

    Args:
        subject: such as `key_subject(7)`.
        limits: those that the settings give a subject without a row.
    """
    in_force = limits_of(subject) or limits
    if in_force is None:
        return []
    used, now = used_by(subject, limits), datetime.now(UTC)
    return [*_requests(in_force, used, now), *_turns(in_force, used), *_budgets(in_force, used, now.date())]


def _requests(limits: Limits, used: Used, now: datetime) -> Iterator[Standing]:
    if limits.requests_per_minute is not None:
        left = max(0, int((limits.burst or limits.requests_per_minute) - used.requests + 1e-6))
        full_again = now + timedelta(minutes=used.requests / limits.requests_per_minute)
        yield Standing("requests", "minute", limits.requests_per_minute, left, full_again)


def _turns(limits: Limits, used: Used) -> Iterator[Standing]:
    if limits.concurrent_turns is not None:
        left = max(0, limits.concurrent_turns - used.running_turns)
        yield Standing("turns", "", limits.concurrent_turns, left, None)


def _budgets(limits: Limits, used: Used, today: date) -> Iterator[Standing]:
    begins_again = {"day": _midnight(today + timedelta(days=1)), "month": _midnight(_next_month(today))}
    for per, resets_at in begins_again.items():
        for what, reserved in (("tokens", used.reserved_tokens), ("money", used.reserved_money)):
            limit = getattr(limits, f"{what}_per_{per}")
            if limit is not None:
                left = limit - getattr(used, f"{per}_{what}") - reserved
                yield Standing(what, per, limit, max(0, left), resets_at)


def _next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
