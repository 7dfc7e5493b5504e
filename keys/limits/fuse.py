"""The state of the fuse: one daily ceiling for all callers without a key, which opens automatically or by an operator.

While it is open, their calls that start turns or create sessions are refused. Polling and reading still work, and
callers with a key are not affected. It closes at midnight UTC, at the time that the operator gave, or when the operator
resets it (`pull_fuse` and `reset_fuse` in keys/limits/services.py).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.utils import timezone

from keys.limits.admission import all_without_key
from keys.limits.reading import limits_and_use
from keys.limits.services import UNTIL_RESET
from keys.limits.values import KEYLESS


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
