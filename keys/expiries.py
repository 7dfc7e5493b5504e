"""Announces in the log which keys will expire soon."""

import itertools
import logging
from datetime import UTC, datetime

from django.conf import settings

from apps_registry.support import database
from apps_registry.support.forever import forever
from apps_registry.support.text.visible_text import visible_line
from keys.usability import usable_sql

logger = logging.getLogger("aomi.keys")

FIRST_SECONDS = 1.0
ANNOUNCE_SECONDS = 600.0
BATCH = 500

# Each key is announced once within the notice period and once within its last day, by only one worker: the update
# decides which. An announcement from before the notice period was for an earlier expiry.
ANNOUNCE = f"""
WITH due AS (
    SELECT id FROM keys_appkey key
    WHERE {usable_sql()} AND key.expires_at < clock_timestamp() + %(days)s * interval '1 day'
        AND (key.expiry_announced_at IS NULL
            OR key.expiry_announced_at < key.expires_at - %(days)s * interval '1 day'
            OR (key.expires_at < clock_timestamp() + interval '1 day'
                AND key.expiry_announced_at < key.expires_at - interval '1 day'))
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED LIMIT %(batch)s
)
UPDATE keys_appkey key SET expiry_announced_at = clock_timestamp()
FROM due WHERE key.id = due.id
RETURNING key.prefix, key.label, key.owner, key.expires_at, key.last_used_at,
    (SELECT successor.prefix FROM keys_appkey successor WHERE successor.rotated_from_id = key.id)
"""


async def announce_forever() -> None:
    """Announce keys that will expire soon: first shortly after the start, then every ANNOUNCE_SECONDS."""
    pauses = itertools.chain([FIRST_SECONDS], itertools.repeat(ANNOUNCE_SECONDS))
    await forever("key-expiries", _announce, every=lambda: next(pauses))


async def _announce() -> bool:
    """Announce a batch of keys; return whether there may be more."""
    rows = await database.execute(ANNOUNCE, {"days": settings.KEY_EXPIRY_NOTICE_DAYS, "batch": BATCH})
    for prefix, *facts in rows:
        logger.warning("App key %s %s", prefix, _announcement(*facts))
    return len(rows) == BATCH


def _announcement(
    label: str, owner: str, expires_at: datetime, last_used_at: datetime | None, successor: str | None
) -> str:
    whose = f"{visible_line(label)}, {visible_line(owner)}" if owner else visible_line(label)
    use = f"last used {_time(last_used_at)}" if last_used_at else "never used"
    then = f"replaced by {successor}" if successor else "rotate it or move its expiry"
    return f"({whose}) expires at {_time(expires_at)}; {use}; {then}."


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
