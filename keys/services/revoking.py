"""Revoking App keys: one, or all that match a selection. It is final."""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps_registry.models import App
from keys.models import AppKey
from keys.models.app_key import REASON_MAX


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of keys; an empty part does not narrow it.

    Attributes:
        label: part of the label, case-insensitive.
        owner: the whole owner, case-insensitive.
        app: an App in the scope.
    """

    label: str = ""
    owner: str = ""
    app: App | None = None

    def __bool__(self) -> bool:
        return bool(self.label or self.owner or self.app)


def selected_keys(selection: Selection) -> QuerySet[AppKey]:
    """Return the keys that match a selection and are not revoked yet; none if the selection is empty."""
    if not selection:
        return AppKey.objects.none()
    keys = AppKey.objects.filter(revoked_at=None)
    if selection.label:
        keys = keys.filter(label__icontains=selection.label)
    if selection.owner:
        keys = keys.filter(owner__iexact=selection.owner)
    if selection.app:
        keys = keys.filter(apps=selection.app)
    return keys.order_by("pk")


def revoke_key(
    app_key: AppKey,
    *,
    by: AbstractBaseUser | None = None,
    through: str = AppKey.RevokedThrough.COMMAND,
    reason: str = "",
) -> AppKey:
    """Revoke a key permanently; it fails on its next request on every worker. Revoking twice changes nothing.

    Args:
        app_key: the key.
        by: the operator.
        through: a value of AppKey.RevokedThrough.
        reason: why, for the record.

    Raises:
        ValidationError: the reason is too long.
    """
    revoke_keys([app_key.pk], by=by, through=through, reason=reason)
    app_key.refresh_from_db(fields=["revoked_at", "revoked_by", "revoked_through", "revoke_reason"])
    return app_key


def revoke_keys(
    key_ids: Collection[int],
    *,
    by: AbstractBaseUser | None = None,
    through: str = AppKey.RevokedThrough.COMMAND,
    reason: str = "",
) -> int:
    """Revoke keys as `revoke_key` does, in one statement; return how many were not revoked before."""
    reason = reason.strip()
    if len(reason) > REASON_MAX:
        raise ValidationError({"reason": f"The reason has {len(reason):,} characters; the limit is {REASON_MAX}."})
    # Postgres's clock, as for every other time that decides about keys.
    return AppKey.objects.filter(pk__in=key_ids, revoked_at=None).update(
        revoked_at=Now(), revoked_by=by.pk if by else None, revoked_through=through, revoke_reason=reason
    )
