"""Issuing and revoking App keys."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps_registry.models import App
from apps_registry.support.request_sources import parse_networks, parse_origins
from keys import crypto
from keys.models import AppKey
from keys.usability import is_over


@dataclass(frozen=True, slots=True, repr=False)
class IssuedKey:
    """A new key; `plain` is not stored anywhere."""

    app_key: AppKey
    plain: str


@transaction.atomic
def issue_key(
    *,
    label: str,
    apps: Iterable[App],
    expires_at: datetime | None = None,
    created_by: AbstractBaseUser | None = None,
    slug: str | None = None,
    origins: str = "",
    networks: str = "",
) -> IssuedKey:
    """Create a key for some Apps and store its hash.

    Args:
        label: who or what will use it.
        apps: its scope; at least one App.
        expires_at: when it expires, in the future; None for never.
        created_by: the operator who issues it.
        slug: the readable part of the key; by default the first App's slug.
        origins: websites whose pages may use it, one per line; empty: any.
        networks: addresses and networks from which it may be used, one per line; empty: any.

    Raises:
        ValidationError: no App, an empty label, an expiry in the past, or a malformed origin or network.
    """
    scope = list(apps)
    _check(label, scope, expires_at)
    allowed_origins = _entries(parse_origins, "allowed_origins", origins)
    allowed_networks = _entries(parse_networks, "allowed_networks", networks)
    parts = crypto.make_key(slug or scope[0].slug)
    app_key = AppKey.objects.create(
        label=label.strip(),
        prefix=parts.prefix,
        lookup_id=parts.lookup_id,
        secret_hash=crypto.hash_secret(parts.secret),
        secret_check=crypto.secret_check(parts.secret),
        expires_at=expires_at,
        created_by_id=created_by.pk if created_by else None,
        allowed_origins=allowed_origins,
        allowed_networks=allowed_networks,
    )
    app_key.apps.set(scope)
    return IssuedKey(app_key=app_key, plain=parts.plain)


def revoke_key(app_key: AppKey) -> AppKey:
    """Revoke a key permanently; it fails on its next request on every worker. Revoking twice changes nothing."""
    AppKey.objects.filter(pk=app_key.pk, revoked_at=None).update(revoked_at=timezone.now())
    app_key.refresh_from_db(fields=["revoked_at"])
    return app_key


def _entries(parse: Callable[[str], list[str]], field: str, text: str) -> str:
    """Return the entries in canonical form, one per line."""
    try:
        return "\n".join(parse(text))
    except ValueError as error:
        raise ValidationError({field: str(error)}) from None


def _check(label: str, scope: list[App], expires_at: datetime | None) -> None:
    if not label.strip():
        raise ValidationError({"label": "Say who or what will use the key."})
    if not scope:
        raise ValidationError({"apps": "Name at least one App."})
    if is_over(expires_at, timezone.now()):
        raise ValidationError({"expires_at": "The expiry is in the past."})
