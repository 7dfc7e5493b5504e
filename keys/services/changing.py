"""Changing an issued key: names, scope, expiry, channel, origins, networks. A change applies from the next request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.core.exceptions import ValidationError
from django.db import transaction

from apps_registry.models import App, AppRelease
from apps_registry.support.http.request_sources import parse_networks, parse_origins
from keys.models import AppKey
from keys.services.rules import check_channel, check_expiry, check_names, check_scope, entries


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What to change; None leaves it as it is.

    Attributes:
        apps: the whole new scope.
        expires_at: the new expiry; "never" removes it.
        channel: the channel and, for "release", the release.
        origins: the websites whose pages may use it, one per line; empty: any.
        networks: the addresses and networks from which it may be used, one per line; empty: any.
    """

    label: str | None = None
    owner: str | None = None
    note: str | None = None
    apps: list[App] | None = None
    expires_at: datetime | Literal["never"] | None = None
    channel: tuple[str, AppRelease | None] | None = None
    origins: str | None = None
    networks: str | None = None


@transaction.atomic
def change_key(app_key: AppKey, change: KeyChange) -> list[str]:
    """Change a key and return the names of the fields that differ now.

    Args:
        app_key: the key, which may not be revoked.
        change: what to change.

    Raises:
        ValidationError: the key is revoked, or the result would break a rule.
    """
    locked = AppKey.objects.select_for_update().select_related(None).get(pk=app_key.pk)
    if locked.revoked_at:
        raise ValidationError("A revoked key cannot be changed: issue another one.")
    scope_before = list(locked.apps.order_by("pk"))
    scope = scope_before if change.apps is None else sorted(change.apps, key=lambda app: app.pk)
    changed = _apply(locked, change)
    check_names(label=locked.label, owner=locked.owner, note=locked.note)
    check_scope(scope)
    if "expires_at" in changed:
        check_expiry(locked.expires_at)
    if changed.intersection({"channel", "release"}) or scope != scope_before:
        check_channel(locked.channel, locked.release, scope)
    locked.save(update_fields=sorted(changed))
    if scope != scope_before:
        locked.apps.set(scope)
        changed.add("apps")
    app_key.refresh_from_db()
    return sorted(changed)


def _apply(app_key: AppKey, change: KeyChange) -> set[str]:
    """Set the changed columns on the row, and return their names."""
    values: dict[str, object] = {
        name: text.strip()
        for name, text in (("label", change.label), ("owner", change.owner), ("note", change.note))
        if text is not None
    }
    if change.expires_at is not None:
        values["expires_at"] = None if change.expires_at == "never" else change.expires_at
    if change.channel is not None:
        values["channel"], release = change.channel
        values["release_id"] = release.pk if release else None
    if change.origins is not None:
        values["allowed_origins"] = entries(parse_origins, "allowed_origins", change.origins)
    if change.networks is not None:
        values["allowed_networks"] = entries(parse_networks, "allowed_networks", change.networks)
    changed = {name for name, value in values.items() if getattr(app_key, name) != value}
    for name in changed:
        setattr(app_key, name, values[name])
    return {name.removesuffix("_id") for name in changed}
