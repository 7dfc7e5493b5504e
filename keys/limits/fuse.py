"""The fuse: one daily ceiling for all callers without a key together, which opens by itself or by hand.

While it is open, their calls that start turns or create sessions are refused; polling and reading go on, and callers
with a key notice nothing. It closes at midnight UTC, at the time that the operator gave, or when the operator resets
it.
The database's functions check it with all other limits: see keys/limits/values.py.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.conf import settings
from django.db import connection
from django.utils import timezone

from keys.limits.values import KEYLESS
from keys.models import LimitSet, LimitState

# When a fuse that was pulled without a time closes: never, in practice.
FAR = datetime(9999, 12, 31, tzinfo=UTC)

SET_BLOCK = """
INSERT INTO keys_limitstate (subject, day, month, day_tokens, day_money, month_tokens, month_money, blocked_until)
SELECT %(subject)s, today, this_month, d.tokens, d.money, m.tokens, m.money, %(until)s
FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS today,
             date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date AS this_month) now,
    keys_limits_used(%(subject)s, today) d, keys_limits_used(%(subject)s, this_month) m
ON CONFLICT (subject) DO UPDATE SET blocked_until = excluded.blocked_until
"""


@dataclass(frozen=True, slots=True)
class Fuse:
    """The state of the fuse.

    Attributes:
        opened_by: what opened it; "" while it is closed.
        closes_at: when it closes; None if only an operator closes it, or if it is closed.
        tokens_today, money_today: what callers without a key have used since midnight UTC, running turns included.
        tokens_per_day, money_per_day: its ceilings; None: none.
    """

    opened_by: Literal["", "hand", "tokens", "money"]
    closes_at: datetime | None
    tokens_today: int
    money_today: Decimal
    tokens_per_day: int | None
    money_per_day: Decimal | None


def read_fuse() -> Fuse:
    """Return the state of the fuse."""
    now = timezone.now()
    limits = LimitSet.objects.filter(subject=KEYLESS).first()
    tokens_limit = limits.tokens_per_day if limits else settings.KEYLESS_TOKENS_PER_DAY or None
    money_limit = limits.money_per_day if limits else None
    state = LimitState.objects.filter(subject=KEYLESS).first()
    tokens, money = _used_today(state, now)
    closed = Fuse("", None, tokens, money, tokens_limit, money_limit)
    if state is not None and state.blocked_until is not None and state.blocked_until > now:
        return replace(closed, opened_by="hand", closes_at=None if state.blocked_until >= FAR else state.blocked_until)
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    if tokens_limit is not None and tokens >= tokens_limit:
        return replace(closed, opened_by="tokens", closes_at=midnight)
    if money_limit is not None and money >= money_limit:
        return replace(closed, opened_by="money", closes_at=midnight)
    return closed


def pull_fuse(until: datetime | None = None) -> None:
    """Open the fuse by hand; it holds for the next call on every worker.

    Args:
        until: when it closes by itself; None: when an operator resets it.
    """
    _set_block(until or FAR)


def reset_fuse() -> None:
    """Close the fuse; if it had opened by itself, today's use counts from zero again."""
    fuse = read_fuse()
    _set_block(None)
    if fuse.opened_by in {"tokens", "money"}:
        LimitState.objects.filter(subject=KEYLESS).update(day_tokens=0, day_money=0)


def _set_block(until: datetime | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SET_BLOCK, {"subject": KEYLESS, "until": until})


def _used_today(state: LimitState | None, now: datetime) -> tuple[int, Decimal]:
    if state is None:
        return 0, Decimal(0)
    is_today = state.day == now.astimezone(UTC).date()
    tokens, money = (state.day_tokens, state.day_money) if is_today else (0, Decimal(0))
    return tokens + state.reserved_tokens, money + state.reserved_money
