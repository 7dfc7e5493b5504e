"""What the holder of a key may ask and do with it: the API's calls about the key itself."""

import logging
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from keys.limits.setting import LimitLeft, limits_left
from keys.limits.values import key_subject
from keys.models import AppKey, Usage
from keys.services.revoking import revoke_keys

logger = logging.getLogger("aomi.keys")


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key as its holder sees it; owner, note and history are for operators.

    Attributes:
        apps: slugs of the active Apps in its scope.
        limits: with what is left of them.
    """

    label: str
    apps: list[str]
    expires_at: datetime | None
    limits: list[LimitLeft]


def held_key(key_id: int) -> HeldKey:
    """Return what the holder of a key may know of it.

    Raises:
        AppKey.DoesNotExist: there is no such key.
    """
    key = AppKey.objects.only("label", "expires_at").get(pk=key_id)
    apps = key.apps.filter(is_active=True).order_by("slug").values_list("slug", flat=True)
    return HeldKey(key.label, list(apps), key.expires_at, limits_left(key_subject(key_id)))


@dataclass(frozen=True, slots=True)
class DayOfUsage:
    """What a key has used on a day of UTC, for an App and a model; titles and summaries are included.

    Attributes:
        unpriced_tokens: tokens whose cost is missing in `cost`, because the model has no price.
    """

    day: date
    app: str
    model: str
    turns: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    unpriced_tokens: int


SUMS = ("turns", "errors", "prompt_tokens", "completion_tokens", "cost", "unpriced_tokens")


def held_usage(key_id: int, *, first_day: date) -> list[DayOfUsage]:
    """Return the usage of a key since a day, newest first."""
    rows = Usage.objects.filter(app_key_id=key_id, day__gte=first_day).values("day", "app_slug", "model")
    sums = rows.annotate(**{f"sum_{name}": Sum(name) for name in SUMS}).order_by("-day", "app_slug", "model")
    return [DayOfUsage(*row) for row in sums.values_list("day", "app_slug", "model", *(f"sum_{name}" for name in SUMS))]


def revoke_held_key(key_id: int) -> None:
    """Revoke a key because its holder asks for it."""
    reason = "Its holder revoked it with DELETE /api/key."
    if revoke_keys([key_id], through=AppKey.RevokedThrough.HOLDER, reason=reason):
        prefix = AppKey.objects.values_list("prefix", flat=True).get(pk=key_id)
        logger.info("App key %s was revoked by its holder", prefix)
