"""Rotating a key: a successor with the same scope and limits, while the old key keeps working for a while."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now
from django.utils import timezone

from keys.limits.reading import limits_of
from keys.limits.services import set_limits
from keys.limits.values import key_subject
from keys.models import AppKey
from keys.services.issuing import give_secret

OVERLAP_MAX_HOURS = 72
# Columns that belong to one key only; a successor takes over every other column.
_OWN = frozenset(
    {
        *("id", "prefix", "lookup_id", "secret_hash", "secret_check", "created_at", "created_by", "expires_at"),
        *("expiry_announced_at", "rotated_from", "revoked_at", "revoked_by", "revoked_through", "revoke_reason"),
        *("last_used_at", "last_used_app", "last_used_address"),
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Rotation:
    """The result of a rotation.

    Attributes:
        old: the rotated key, with its new expiry.
        successor: the key to use from now on.
        plain: the successor itself, which is not stored anywhere; None if an earlier call has issued it.
    """

    old: AppKey
    successor: AppKey
    plain: str | None


@transaction.atomic
def rotate_key(app_key: AppKey, *, overlap: timedelta, by: AbstractBaseUser | None = None) -> Rotation:
    """Issue a successor of a key, and let the old key expire after the overlap.

    A repeated or concurrent call issues nothing and returns the same successor without its secret. If the old key has
    an expiry, the successor gets the same lifetime, counted from now.

    Args:
        app_key: the key to rotate.
        overlap: how long the old key keeps working, 0 to 72 hours; never beyond its own expiry.
        by: the operator.

    Raises:
        ValidationError: the overlap is out of range, or the key is revoked or has expired.
    """
    if not timedelta() <= overlap <= timedelta(hours=OVERLAP_MAX_HOURS):
        raise ValidationError({"overlap": f"The overlap is 0 to {OVERLAP_MAX_HOURS} hours."})
    # The lock makes a concurrent rotation wait, and then find the successor.
    old = AppKey.objects.select_for_update().get(pk=app_key.pk)
    if successor := old.successor_or_none:
        return Rotation(old, successor, None)
    if not AppKey.objects.usable().filter(pk=old.pk).exists():
        raise ValidationError(f"This key is {old.status}, so it cannot be rotated: issue another one.")
    successor, plain = _issue_successor(old, by)
    _expire(old, overlap)
    return Rotation(old, successor, plain)


def end_overlap(app_key: AppKey) -> None:
    """Let a rotated key expire now instead of at the end of its overlap.

    Raises:
        ValidationError: the key has no successor.
    """
    if app_key.successor_or_none is None:
        raise ValidationError("This key has not been rotated, so it has no overlap. To close it, revoke it.")
    _expire(app_key, timedelta())


def _issue_successor(old: AppKey, by: AbstractBaseUser | None) -> tuple[AppKey, str]:
    successor = AppKey(
        rotated_from=old,
        created_by_id=by.pk if by else None,
        expires_at=timezone.now() + (old.expires_at - old.created_at) if old.expires_at else None,
        **{
            field.attname: getattr(old, field.attname)
            for field in AppKey._meta.concrete_fields
            if field.name not in _OWN
        },
    )
    slug = old.prefix.removeprefix("sk-").removesuffix(f"-{old.lookup_id}")
    plain = give_secret(successor, slug)
    successor.save()
    for field in AppKey._meta.many_to_many:
        getattr(successor, field.name).set(getattr(old, field.name).all())
    if limits := limits_of(key_subject(old.pk)):
        set_limits(key_subject(successor.pk), limits, apps=[])  # prices were checked when the old key got them
    return successor, plain


def _expire(app_key: AppKey, overlap: timedelta) -> None:
    """Bring the expiry forward to the end of the overlap, by Postgres's clock; it never moves back."""
    # LEAST ignores NULL, which means that the key does not expire.
    AppKey.objects.filter(pk=app_key.pk).update(expires_at=Least(F("expires_at"), Now() + overlap))
    app_key.refresh_from_db(fields=["expires_at"])
