"""The requests to models that Apps keep: stored in batches, and removed when their App's days are over."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from apps_registry.support import database
from apps_registry.support.forever import forever

PRUNE_SECONDS = 3600.0
BATCH = 500

# If a turn was deleted in the meantime, its requests are not stored.
INSERT = """
INSERT INTO sessions_app_sentrequest (turn_id, round_number, model, body, size, status, sent_at)
SELECT turn.id, sent.round_number, sent.model, sent.body, sent.size, sent.status, sent.sent_at
FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::bigint[], %s::int[], %s::timestamptz[])
    WITH ORDINALITY AS sent (turn_id, round_number, model, body, size, status, sent_at, place)
JOIN sessions_app_turn turn ON turn.id = sent.turn_id
ORDER BY sent.place FOR KEY SHARE OF turn
"""
# An App that no longer keeps any has none left within the hour.
PRUNE = """
WITH due AS (
    SELECT sent.id FROM sessions_app_sentrequest sent
    JOIN sessions_app_turn turn ON turn.id = sent.turn_id JOIN apps_registry_app app ON app.id = turn.app_id
    WHERE sent.sent_at < clock_timestamp() - interval '1 day' * COALESCE(app.keeps_requests_days, 0)
    LIMIT %(batch)s FOR UPDATE OF sent SKIP LOCKED
)
DELETE FROM sessions_app_sentrequest WHERE id IN (SELECT id FROM due) RETURNING 1
"""


class NewRequest(NamedTuple):
    """A request to store; the fields are columns of SentRequest."""

    turn_id: UUID
    round_number: int
    model: str
    body: str
    size: int
    status: int
    sent_at: datetime


async def store_requests(requests: Sequence[NewRequest]) -> None:
    """Store requests in their order."""
    await database.execute(INSERT, [list(column) for column in zip(*requests, strict=True)])


async def prune_sent_requests_forever() -> None:
    """Periodically remove requests that are older than their App keeps them."""

    async def prune() -> None:
        while await prune_batch():
            pass

    await forever("prune-sent-requests", prune, every=PRUNE_SECONDS)


async def prune_batch() -> int:
    """Remove a batch of old requests and return their number."""
    return len(await database.execute(PRUNE, {"batch": BATCH}))
