"""The filters of the list of keys: by status, last use, owner and cost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from keys.limits.near import keys_near_a_limit
from keys.models import AppKey, Usage
from keys.usability import Status, has_status

EXPIRING = "expiring"
NEAR_LIMIT = "near"
USAGE_DAYS = 30
OWNERS_SHOWN = 50
NO_OWNER = "-"
LAST_USES: dict[str, tuple[str, Callable[[datetime], Q]]] = {
    "day": ("In the last 24 hours", lambda now: Q(last_used_at__gte=now - timedelta(days=1))),
    "week": ("In the last 7 days", lambda now: Q(last_used_at__gte=now - timedelta(days=7))),
    "month": ("In the last 30 days", lambda now: Q(last_used_at__gte=now - timedelta(days=30))),
    "older": ("Not for 30 days", lambda now: Q(last_used_at__lt=now - timedelta(days=30))),
    "never": ("Never", lambda _now: Q(last_used_at=None)),
}
# The bounds of the cost of a key in USAGE_DAYS, in dollars; None: no bound.
COSTS: dict[str, tuple[str, Decimal | None, Decimal | None]] = {
    "none": ("Nothing", None, Decimal(0)),
    "some": ("Up to $1", Decimal(0), Decimal(1)),
    "1": ("$1 to $10", Decimal(1), Decimal(10)),
    "10": ("$10 to $100", Decimal(10), Decimal(100)),
    "100": ("More than $100", Decimal(100), None),
}


class StatusFilter(admin.SimpleListFilter):
    """Filters by the current status."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            *((status, status.capitalize()) for status in get_args(Status)),
            (EXPIRING, "Expires soon"),
            (NEAR_LIMIT, "Near a limit"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> QuerySet[AppKey]:
        """The keys whose AppKey.status has the chosen value."""
        chosen = self.value()
        if chosen == EXPIRING:
            # A key that rotation has replaced is meant to expire.
            replaced = AppKey.objects.filter(rotated_from__isnull=False, revoked_at=None).values("rotated_from")
            expiring = queryset.filter(has_status("active"), expires_at__lt=timezone.now() + notice())
            return expiring.exclude(pk__in=replaced)
        if chosen == NEAR_LIMIT:
            return queryset.filter(pk__in=keys_near_a_limit())
        statuses: tuple[Status, ...] = get_args(Status)
        return next((queryset.filter(has_status(status)) for status in statuses if status == chosen), queryset)


class LastUseFilter(admin.SimpleListFilter):
    """Filters by the time of the last request with the key."""

    title, parameter_name = "last used", "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in LAST_USES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> QuerySet[AppKey]:
        chosen = LAST_USES.get(self.value() or "")
        return queryset.filter(chosen[1](timezone.now())) if chosen else queryset


class OwnerFilter(admin.SimpleListFilter):
    """Filters by owner; offers the owners with the most keys. The search finds the others."""

    title, parameter_name = "owner", "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        owners = AppKey.objects.exclude(owner="").values_list("owner").annotate(keys=Count("pk"))
        names = [str(owner) for owner, _ in owners.order_by("-keys", "owner")[:OWNERS_SHOWN]]
        chosen = self.value()
        if chosen and chosen not in {*names, NO_OWNER}:
            names.append(chosen)
        return [*((name, name) for name in sorted(names)), (NO_OWNER, "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> QuerySet[AppKey]:
        chosen = self.value()
        return queryset.filter(owner="" if chosen == NO_OWNER else chosen) if chosen else queryset


class CostFilter(admin.SimpleListFilter):
    """Filters by the cost of the last days."""

    title, parameter_name = f"cost in {USAGE_DAYS} days", "cost"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, *_) in COSTS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AppKey]) -> QuerySet[AppKey]:
        chosen = COSTS.get(self.value() or "")
        if chosen is None:
            return queryset
        _, least, most = chosen
        if least is None:
            return queryset.exclude(pk__in=_keys_with_cost(Q(total__gt=0)))
        bounds = Q(total__gt=least)
        return queryset.filter(pk__in=_keys_with_cost(bounds & Q(total__lte=most) if most is not None else bounds))


def used_since() -> Any:
    """Return the first of the last USAGE_DAYS days (UTC)."""
    return datetime.now(UTC).date() - timedelta(days=USAGE_DAYS - 1)


def notice() -> timedelta:
    """Return for how long before its expiry a key counts as expiring soon."""
    return timedelta(days=settings.KEY_EXPIRY_NOTICE_DAYS)


def _keys_with_cost(bounds: Q) -> QuerySet[Any, Any]:
    """Return the ids of keys whose cost, `total`, is within bounds."""
    sums = Usage.objects.filter(day__gte=used_since()).values("app_key_id").annotate(total=Sum("cost"))
    return sums.filter(bounds).values("app_key_id")


def is_row_id(text: str) -> bool:
    """Whether a text of the URL can be the id of a row: PostgreSQL's bigint has 19 digits."""
    return text.isascii() and text.isdigit() and len(text) < 19
