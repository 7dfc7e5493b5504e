"""Canary keys: made like App keys, never valid; keys/refusals/ logs, counts and records each use."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

from keys import crypto
from keys.models import CanaryKey


def make_canary(*, label: str, slug: str, created_by: AbstractBaseUser | None = None) -> tuple[CanaryKey, str]:
    """Create a canary key; return its row and the key itself, which is not stored.

    Args:
        label: where it will be planted.
        slug: its readable part; best the slug of an App that an intruder would look for.
        created_by: the operator who makes it.

    Raises:
        ValidationError: the label is empty, or the slug cannot be part of a key.
    """
    if not label.strip():
        raise ValidationError({"label": "Say where you plant the key."})
    try:
        parts = crypto.make_key(slug)
    except ValueError:
        reason = "Use lower-case letters, digits and hyphens, at most 40, with a letter or digit first."
        raise ValidationError({"slug": reason}) from None
    row = CanaryKey.objects.create(
        label=label.strip(), prefix=parts.prefix, lookup_id=parts.lookup_id, created_by_id=_id_of(created_by)
    )
    return row, parts.plain


def _id_of(user: AbstractBaseUser | None) -> int | None:
    return user.pk if user else None
