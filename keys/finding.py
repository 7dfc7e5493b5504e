"""Finds the keys that an operator names, and writes them out for commands."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from keys import crypto
from keys.limits.reading import standings
from keys.limits.values import key_subject
from keys.models import BY_COMMAND, AppKey


class NoSuchKey(Exception):
    """No key begins like this; the exception's text says so without repeating a whole key."""


def find_key(text: str) -> AppKey:
    """Find a key by its prefix. A whole key works too, but is never printed.

    Raises:
        NoSuchKey: there is none.
    """
    parts = crypto.parse_key(text)
    key = AppKey.objects.filter(prefix=parts.prefix if parts else text).first()
    if key is None:
        described = "that" if len(text) > crypto.KEY_MAX_LENGTH or parts else repr(text)
        raise NoSuchKey(f"There is no key that begins with {described}; manage.py list_keys shows all.")
    return key


def key_as_json(key: AppKey) -> dict[str, Any]:
    """Return everything that operators may see of a key, as JSON data with times in ISO 8601."""
    successor = key.successor_or_none
    return {
        "prefix": key.prefix,
        "status": key.status,
        "label": key.label,
        "owner": key.owner,
        "note": key.note,
        "apps": sorted(app.slug for app in key.apps.all()),
        "channel": key.channel_words,
        "origins": key.allowed_origins.split(),
        "networks": key.allowed_networks.split(),
        "created_by": str(key.created_by or BY_COMMAND),
        "created_at": _time(key.created_at),
        "expires_at": _time(key.expires_at),
        "last_used_at": _time(key.last_used_at),
        "last_used_app": key.last_used_app and key.last_used_app.slug,
        "last_used_address": key.last_used_address,
        "rotated_from": key.rotated_from and key.rotated_from.prefix,
        "successor": successor and successor.prefix,
        "revoked_at": _time(key.revoked_at),
        "revoked_by": key.revoker,
        "revoke_reason": key.revoke_reason,
    }


def limits_as_json(key: AppKey) -> list[dict[str, Any]]:
    """Return the limits of a key and what is left of them; amounts of money are text, which keeps every digit."""
    return [
        {
            "what": limit.what,
            "per": limit.per or None,
            "limit": _number(limit.limit),
            "left": _number(limit.left),
            "resets_at": _time(limit.resets_at),
        }
        for limit in standings(key_subject(key.pk))
    ]


def _number(amount: Decimal | int) -> int | str:
    return amount if isinstance(amount, int) else str(amount)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
