"""What callers without a key may store from one address per day (UTC): new sessions, and bytes of notices.

Postgres counts, in one statement, so the limits hold across workers and for concurrent calls. Callers with a key have
other limits (keys/limits/).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from django.conf import settings
from psycopg import Error

from apps_registry.support import database
from apps_registry.support.forever import forever
from keys.callers import Caller
from keys.guards.errors import CallerLimit

PRUNE_SECONDS = 3600.0
# A refused count does not change the row and returns nothing.
COUNT = """
WITH today AS (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS day), counted AS (
    INSERT INTO keys_addressuse AS use (day, address, new_sessions, stored_bytes)
    SELECT day, %(address)s, %(sessions)s, %(bytes)s FROM today
    WHERE %(sessions)s <= %(most_sessions)s AND %(bytes)s <= %(most_bytes)s
    ON CONFLICT (day, address) DO UPDATE SET
        new_sessions = use.new_sessions + excluded.new_sessions, stored_bytes = use.stored_bytes + excluded.stored_bytes
    WHERE use.new_sessions + excluded.new_sessions <= %(most_sessions)s
        AND use.stored_bytes + excluded.stored_bytes <= %(most_bytes)s
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM counted),
    extract(epoch FROM ((day + 1)::timestamp AT TIME ZONE 'UTC') - clock_timestamp())::int FROM today
"""
UNCOUNT_SESSION = """
UPDATE keys_addressuse SET new_sessions = new_sessions - 1
WHERE address = %(address)s AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date AND new_sessions > 0
"""
PRUNE = "DELETE FROM keys_addressuse WHERE day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1"
NO_LIMIT = 2**60
DETAILS = {
    "new_sessions_of_address": "Without an App key, an address may begin {:,} sessions a day (UTC).",
    "stored_bytes_of_address": "Without an App key, an address may store {:,} bytes a day (UTC) outside of chats.",
}


@asynccontextmanager
async def counted_new_session(caller: Caller) -> AsyncIterator[None]:
    """Count a new session of a caller without a key, unless the block that makes it fails.

    Raises:
        CallerLimit: its address has begun too many today.
    """
    await _count(caller, "new_sessions_of_address", sessions=1)
    try:
        yield
    except Exception:
        await _uncount_session(caller)
        raise


async def _uncount_session(caller: Caller) -> None:
    """Take back a count; where Postgres is away, the call fails for that reason anyway."""
    if caller.key_id is None and caller.address:
        with suppress(Error):
            await database.execute(UNCOUNT_SESSION, {"address": caller.address})


async def count_stored(caller: Caller, size: int) -> None:
    """Count bytes that a caller without a key stores outside of turns.

    Raises:
        CallerLimit: its address has stored too many today.
    """
    await _count(caller, "stored_bytes_of_address", size=size)


async def _count(caller: Caller, rule: str, *, sessions: int = 0, size: int = 0) -> None:
    if caller.key_id is not None or not caller.address:
        return
    most = {
        "most_sessions": settings.KEYLESS_SESSIONS_PER_DAY or NO_LIMIT,
        "most_bytes": settings.KEYLESS_STORED_BYTES_PER_DAY or NO_LIMIT,
    }
    parameters = {"address": caller.address, "sessions": sessions, "bytes": size, **most}
    ((is_counted, seconds_left),) = await database.execute(COUNT, parameters)
    if not is_counted:
        limit = most["most_sessions" if sessions else "most_bytes"]
        raise CallerLimit(rule, DETAILS[rule].format(limit), retry_after=seconds_left, limit_per_day=limit)


async def prune_address_uses_forever() -> None:
    """Periodically remove the counts of past days."""
    await forever("prune-address-uses", _prune, every=PRUNE_SECONDS)


async def _prune() -> None:
    await database.execute(PRUNE)
