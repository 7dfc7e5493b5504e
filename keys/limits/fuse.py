"""The fuse: one daily ceiling for all callers without a key, which opens automatically or by an operator.

While it is open, their calls that start turns or create sessions are refused. Polling and reading still work, and
callers with a key are not affected. It closes at midnight UTC, at the time that the operator gave, or when the operator
resets it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.db import connection, transaction
from django.utils import timezone

from keys.limits.admission import all_without_key
from keys.limits.reading import limits_and_use
from keys.limits.values import KEYLESS
from keys.models import LimitState

UNTIL_RESET = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fuse:
    """The state of the fuse.

    Attributes:
        opened_by: what opened it; "" while it is closed.
        closes_at: when it closes; None if only an operator closes it, or if it is closed.
        tokens_today, money_today: what callers without a key have used since midnight UTC, running turns included.
        tokens_per_day, money_per_day: its ceilings; None: no ceiling.
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
    limits, used = limits_and_use(KEYLESS, all_without_key())
    tokens, money = used.day_tokens + used.reserved_tokens, used.day_money + used.reserved_money
    closed = Fuse("", None, tokens, money, limits.tokens_per_day, limits.money_per_day)
    if used.blocked_until is not None and used.blocked_until > now:
        closes_at = None if used.blocked_until >= UNTIL_RESET else used.blocked_until
        return replace(closed, opened_by="hand", closes_at=closes_at)
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    if limits.tokens_per_day is not None and tokens >= limits.tokens_per_day:
        return replace(closed, opened_by="tokens", closes_at=midnight)
    if limits.money_per_day is not None and money >= limits.money_per_day:
        return replace(closed, opened_by="money", closes_at=midnight)
    return closed


def pull_fuse(until: datetime | None = None) -> None:
    """Refuse all callers without a key, on every worker from the next call on.

    Args:
        until: when they are accepted again; None: when the fuse is reset.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT keys_limits_begun(%s)", [KEYLESS])
    LimitState.objects.filter(subject=KEYLESS, slot=0).update(blocked_until=until or UNTIL_RESET)


def reset_fuse() -> None:
    """Accept callers without a key again, and count their day from zero if its limit is what refused them.

    A pull by hand says nothing about the tokens that were used, so their count goes on after it. Calls and turns that
    are being counted at the same time come either before or after the whole reset.
    """
    state = LimitState.objects.filter(subject=KEYLESS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT keys_limits_lock(%s)", [KEYLESS])
        was_pulled = read_fuse().opened_by == "hand"
        state.update(blocked_until=None)
        if not was_pulled or read_fuse().opened_by:
            state.update(day_tokens=0, day_money=0)
