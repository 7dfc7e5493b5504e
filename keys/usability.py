"""When an App key is usable: neither revoked nor expired. This module holds all three forms of the rule.

SQL for the statements of the hot path, a condition for querysets, Python for a loaded row; no other code compares these
two columns. tests/keys/test_usability.py checks that all three agree. Revoking is final: a key that is both revoked and
expired counts as revoked.
"""

from datetime import datetime
from typing import Literal

from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

Status = Literal["active", "expired", "revoked"]


def usable_sql(now: str = "clock_timestamp()") -> str:
    """Return the SQL condition under which the row `key` of a statement is usable.

    Args:
        now: an SQL expression. Postgres's clock decides, so that workers with different clocks agree.
    """
    return f"(key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > {now}))"


def has_status(status: Status, now: Combinable | datetime | None = None) -> Q:
    """Return the condition for querysets of keys with a status; a usable key is "active".

    Args:
        status: the status.
        now: the time to compare with; None uses Postgres's clock.
    """
    not_revoked, is_over = Q(revoked_at=None), Q(expires_at__isnull=False, expires_at__lte=now or Now())
    match status:
        case "active":
            return not_revoked & ~is_over
        case "expired":
            return not_revoked & is_over
        case "revoked":
            return ~not_revoked


def status_at(now: datetime, *, revoked_at: datetime | None, expires_at: datetime | None) -> Status:
    """Return the status of a key with these two columns; a usable key is "active"."""
    if revoked_at:
        return "revoked"
    return "expired" if is_over(expires_at, now) else "active"


def is_over(expires_at: datetime | None, now: datetime) -> bool:
    """Return whether a key with this expiry has expired; it has from the moment of expiry on."""
    return expires_at is not None and expires_at <= now
