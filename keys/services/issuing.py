"""Issuing App keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from apps_registry.models import App, AppRelease
from apps_registry.support.http.request_sources import parse_networks, parse_origins
from keys import crypto
from keys.models import AppKey
from keys.services.rules import check_channel, check_expiry, check_names, check_scope, entries


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
    owner: str = "",
    note: str = "",
    expires_at: datetime | None = None,
    channel: str = AppKey.Channel.LIVE,
    release: AppRelease | None = None,
    created_by: AbstractBaseUser | None = None,
    slug: str | None = None,
    origins: str = "",
    networks: str = "",
) -> IssuedKey:
    """Create a key for some Apps and store its hash.

    Args:
        label: who or what will use it.
        apps: its scope; at least one App.
        owner: who answers for it.
        note: for operators.
        expires_at: when it expires, in the future; None for never. `default_expiry` is what pages and commands offer.
        channel: the state of its Apps with which it talks; a value of AppKey.Channel.
        release: for the channel "release".
        created_by: the operator who issues it.
        slug: the readable part of the key; by default the first App's slug.
        origins: websites whose pages may use it, one per line; empty: any.
        networks: addresses and networks from which it may be used, one per line; empty: any.

    Raises:
        ValidationError: no App, an empty label, an expiry in the past, a release that does not fit the scope, or a
            malformed origin or network.
    """
    scope = list(apps)
    check_names(label=label, owner=owner, note=note)
    check_scope(scope)
    check_expiry(expires_at)
    check_channel(channel, release, scope)
    app_key = AppKey(
        label=label.strip(),
        owner=owner.strip(),
        note=note.strip(),
        expires_at=expires_at,
        channel=channel,
        release=release,
        allowed_origins=entries(parse_origins, "allowed_origins", origins),
        allowed_networks=entries(parse_networks, "allowed_networks", networks),
        created_by_id=created_by.pk if created_by else None,
    )
    plain = give_secret(app_key, slug or scope[0].slug)
    app_key.save()
    app_key.apps.set(scope)
    return IssuedKey(app_key=app_key, plain=plain)


def give_secret(app_key: AppKey, slug: str) -> str:
    """Set the identifying columns of a key that is not saved yet, and return the key itself."""
    parts = crypto.make_key(slug)
    app_key.prefix, app_key.lookup_id = parts.prefix, parts.lookup_id
    app_key.secret_hash = crypto.hash_secret(parts.secret)
    app_key.secret_check = crypto.secret_check(parts.secret)
    return parts.plain


def default_expiry() -> datetime | None:
    """Return the default expiry of a key that is issued now; None: never (KEY_LIFETIME_DAYS=0)."""
    days = settings.KEY_LIFETIME_DAYS
    return timezone.now().replace(microsecond=0) + timedelta(days=days) if days else None
