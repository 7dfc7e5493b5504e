"""What the holder of a key may see and do: the API's calls about the key itself."""

import logging
from dataclasses import dataclass
from datetime import datetime

from keys.limits.reading import Standing, standings
from keys.limits.values import key_subject
from keys.models import AppKey
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
    limits: list[Standing]


def held_key(key_id: int) -> HeldKey:
    """Return what the holder of a key may see of it.

    Raises:
        AppKey.DoesNotExist: there is no such key.
    """
    key = AppKey.objects.only("label", "expires_at").get(pk=key_id)
    apps = key.apps.filter(is_active=True).order_by("slug").values_list("slug", flat=True)
    return HeldKey(key.label, list(apps), key.expires_at, standings(key_subject(key_id)))


def revoke_held_key(key_id: int) -> None:
    """Revoke a key because its holder asks for it."""
    reason = "Its holder revoked it with DELETE /api/key."
    if revoke_keys([key_id], through=AppKey.RevokedThrough.HOLDER, reason=reason):
        prefix = AppKey.objects.values_list("prefix", flat=True).get(pk=key_id)
        logger.info("App key %s was revoked by its holder", prefix)
