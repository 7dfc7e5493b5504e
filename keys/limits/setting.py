"""Reading and setting the limits of a subject, for pages and commands; it does not take part in turns."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from keys.limits.values import Limits
from keys.models import LimitSet, LimitState

NAMES = tuple(Limits.__dataclass_fields__)
What = Literal["requests", "turns", "tokens", "money"]
Per = Literal["minute", "day", "month"]


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """One limit, and what is left of it now.

    Attributes:
        what: what it limits.
        per: the span for which it holds; None: at the same time.
        limit: its number, in units of `what`.
        left: what is left, without what running turns have reserved.
        resets_at: when all of it is there again; None for turns at the same time.
    """

    what: What
    per: Per | None
    limit: Decimal
    left: Decimal
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Used:
    """What a subject has used of a day or month, reservations included."""

    tokens: int
    money: Decimal


def limits_of(subject: str) -> Limits:
    """Return the limits of a subject; without a row, none."""
    row = LimitSet.objects.filter(pk=subject).first()
    return Limits(**{name: getattr(row, name) for name in NAMES}) if row else Limits()


@transaction.atomic
def set_limits(subject: str, changes: dict[str, Any]) -> Limits:
    """Set some limits of a subject, leave its others as they are, and return all; with none left, its row goes.

    Args:
        subject: see keys/limits/values.py.
        changes: by the names of `Limits`; None removes a limit.

    Raises:
        ValidationError: a number is out of range, or there is a burst without `requests_per_minute`.
    """
    row = LimitSet.objects.select_for_update().filter(pk=subject).first()
    limits = row or LimitSet(subject=subject)
    for name, value in changes.items():
        setattr(limits, name, value)
    if all(getattr(limits, name) is None for name in NAMES):
        LimitSet.objects.filter(pk=subject).delete()
        return Limits()
    if limits.burst is not None and limits.requests_per_minute is None:
        raise ValidationError({"burst": "A burst needs a limit of requests per minute."})
    limits.full_clean(validate_unique=False)
    limits.save(force_insert=row is None)
    return limits_of(subject)


def copy_limits(from_subject: str, to_subject: str) -> None:
    """Give one subject the limits of another; the other has used nothing of them yet."""
    limits = limits_of(from_subject)
    if limits != Limits():
        set_limits(to_subject, {name: getattr(limits, name) for name in NAMES})


def limits_left(subject: str) -> list[LimitLeft]:
    """Return each limit of a subject, with what is left of it now."""
    limits, now = limits_of(subject), timezone.now().astimezone(UTC)
    if limits == Limits():
        return []
    state = LimitState.objects.filter(pk=subject).first()
    left = _requests(limits, state, now) + _turns(limits, state)
    next_month = (now.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    spans: tuple[tuple[Per, date, date], ...] = (
        ("day", now.date(), now.date() + timedelta(days=1)),
        ("month", now.date().replace(day=1), next_month),
    )
    for per, began, ends in spans:
        left += _budgets(limits, per, _used(subject, state, per, began), datetime(*ends.timetuple()[:3], tzinfo=UTC))
    return left


def _requests(limits: Limits, state: LimitState | None, now: datetime) -> list[LimitLeft]:
    """Return what is left of the requests; the rule is that of keys_limits_take in keys/migrations."""
    if limits.requests_per_minute is None:
        return []
    per_minute, full = limits.requests_per_minute, limits.burst or limits.requests_per_minute
    on_time = max(now, state.next_request_at) if state and state.next_request_at else now
    left = max(0, int(full - (on_time - now).total_seconds() * per_minute / 60))
    return [LimitLeft("requests", "minute", Decimal(per_minute), Decimal(left), on_time)]


def _turns(limits: Limits, state: LimitState | None) -> list[LimitLeft]:
    if limits.concurrent_turns is None:
        return []
    running = state.running_turns if state else 0
    left = max(0, limits.concurrent_turns - running)
    return [LimitLeft("turns", None, Decimal(limits.concurrent_turns), Decimal(left), None)]


def _budgets(limits: Limits, per: Per, used: _Used, ends: datetime) -> list[LimitLeft]:
    left = []
    if (tokens := getattr(limits, f"tokens_per_{per}")) is not None:
        left.append(LimitLeft("tokens", per, Decimal(tokens), Decimal(max(0, tokens - used.tokens)), ends))
    if (money := getattr(limits, f"money_per_{per}")) is not None:
        left.append(LimitLeft("money", per, money, max(Decimal(0), money - used.money), ends))
    return left


def _used(subject: str, state: LimitState | None, per: Per, began: date) -> _Used:
    """Return what a span has used, by the state of the limits, or before their first use by the roll-up of usage."""
    if state is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tokens, money FROM keys_limits_used(%s, %s)", [subject, began])
            tokens, money = cursor.fetchone()
        return _Used(tokens, money)
    is_current = getattr(state, per) == began
    tokens = getattr(state, f"{per}_tokens") if is_current else 0
    money = getattr(state, f"{per}_money") if is_current else Decimal(0)
    return _Used(tokens + state.reserved_tokens, money + state.reserved_money)
