"""Reads usage and limits, and adds up Turn rows to compare."""

from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from apps_registry.models import App
from keys.limits.reading import Used, used_by
from keys.limits.values import app_subject
from keys.models import LimitSet, Usage
from sessions_app.models import Turn

Sums = dict[str, Decimal | int]
SUMMED = ("prompt_tokens", "completion_tokens", "unreported_tokens", "unpriced_tokens", "cost", "tool_rounds")


def limit(subject: str, **limits: Any) -> None:
    LimitSet.objects.update_or_create(subject=subject, defaults=limits)


def state(subject: str) -> Used:
    return used_by(subject)


def usage_of(app: App, **filters: Any) -> Sums:
    """Return the rolled-up usage of an App's turns."""
    rows = Usage.objects.filter(app_id=app.pk, kind="turn", **filters)
    names = ("turns", "errors", "interruptions", *SUMMED)
    return _plain(rows.aggregate(**{name: Coalesce(Sum(name), 0 if name != "cost" else Decimal(0)) for name in names}))


def turns_of(app: App, **filters: Any) -> Sums:
    """Return the same sums, computed from the Turn rows."""
    rows = Turn.objects.filter(app=app, **filters).exclude(status="running")
    return _plain(
        rows.aggregate(
            turns=Count("pk"),
            errors=Count("pk", filter=Q(status="failed")),
            interruptions=Count("pk", filter=Q(status="interrupted")),
            **{name: Coalesce(Sum(name), 0 if name != "cost" else Decimal(0)) for name in SUMMED},
        )
    )


def _plain(sums: dict[str, Any]) -> Sums:
    return {name: Decimal(value).normalize() for name, value in sums.items()}


def assert_settled(app: App) -> None:
    """Check the state of the App's limits, which count everything that its Turn rows have used and reserve."""
    counts, rows = state(app_subject(app.pk)), Turn.objects.filter(app=app)
    running = rows.filter(status="running")
    reserved = running.aggregate(tokens=Coalesce(Sum("reserved_tokens"), 0))["tokens"]
    assert (counts.running_turns, counts.reserved_tokens) == (running.count(), reserved)


def tokens_used(app: App) -> int:
    """Return the tokens that limits count, computed from the Turn rows."""
    used = Coalesce(F("prompt_tokens"), 0) + Coalesce(F("completion_tokens"), 0) + F("unreported_tokens")
    return int(Turn.objects.filter(app=app).aggregate(sum=Coalesce(Sum(used), 0))["sum"])
