"""Periodic work on usage and limits: roll-ups of past days become one row, hours and addresses are forgotten."""

from apps_registry.support import database
from apps_registry.support.forever import forever
from keys.usage.reading import SUMS

EVERY_SECONDS = 3600.0
BATCH = 500

_HISTOGRAMS = ("latency_counts", "first_token_counts")
_COLUMNS = ", ".join((*SUMS, *_HISTOGRAMS))
_SUMMED = ", ".join(
    (*(f"sum({name})" for name in SUMS), *(f"keys_usage_sum(array_agg({name}))" for name in _HISTOGRAMS))
)
_ADDED = ", ".join(
    (
        *(f"{name} = known.{name} + excluded.{name}" for name in SUMS),
        *(f"{name} = keys_usage_sum(ARRAY[known.{name}, excluded.{name}])" for name in _HISTOGRAMS),
    )
)
# Slots are for concurrent writers, and few write to past days, so their rows are merged. One worker merges at a time.
# What is merged for the first time also counts for the sums of all keys and of the hour.
FOLD_USAGE = f"""
WITH folding AS (SELECT pg_try_advisory_xact_lock(hashtext('aomi.fold_usage')) AS is_ours),
due AS (
    SELECT day, app_id, app_key_id, model, kind FROM keys_usage, folding
    WHERE is_ours AND day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1 AND slot <> -1
    GROUP BY day, app_id, app_key_id, model, kind LIMIT %(batch)s
), parts AS (
    DELETE FROM keys_usage usage USING due
    WHERE (usage.day, usage.app_id, usage.app_key_id, usage.model, usage.kind)
        = (due.day, due.app_id, due.app_key_id, due.model, due.kind)
    RETURNING usage.*
), whole AS (
    INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, hour, slot, app_slug, app_key_label, {_COLUMNS})
    SELECT day, app_id, app_key_id, model, kind, -1, -1, max(app_slug), max(app_key_label), {_SUMMED}
    FROM parts GROUP BY day, app_id, app_key_id, model, kind
    RETURNING 1
), totals AS (
    INSERT INTO keys_usagetotal AS known (day, app_id, model, kind, app_slug, {_COLUMNS})
    SELECT day, app_id, model, kind, max(app_slug), {_SUMMED}
    FROM parts WHERE slot <> -1 GROUP BY day, app_id, model, kind
    ON CONFLICT (day, app_id, model, kind) DO UPDATE SET {_ADDED}
), hours AS (
    INSERT INTO keys_usagehour AS known (day, hour, {_COLUMNS})
    SELECT day, hour, {_SUMMED} FROM parts WHERE hour >= 0 GROUP BY day, hour
    ON CONFLICT (day, hour) DO UPDATE SET {_ADDED}
)
SELECT count(*) FROM whole
"""

HOURS_KEPT_DAYS = 35
FORGET_HOURS = """
DELETE FROM keys_usagehour WHERE day < (clock_timestamp() AT TIME ZONE 'UTC')::date - %(days)s RETURNING 1
"""

# After a day without a turn, the row of an address equals a new one.
FORGET_ADDRESSES = """
DELETE FROM keys_limitstate WHERE subject IN (
    SELECT subject FROM keys_limitstate WHERE subject LIKE 'address:%%'
    GROUP BY subject HAVING sum(running_turns) <= 0 AND max(used_at) < clock_timestamp() - interval '1 day'
    LIMIT %(batch)s)
RETURNING 1
"""


async def account_upkeep_forever() -> None:
    """Merge the usage of past days, and delete hours and addresses, every hour."""
    await forever("accounts", upkeep, every=EVERY_SECONDS)


async def upkeep() -> None:
    """Do the work of one round."""
    while (await database.execute(FOLD_USAGE, {"batch": BATCH}))[0][0]:
        pass
    await database.execute(FORGET_HOURS, {"days": HOURS_KEPT_DAYS})
    while await database.execute(FORGET_ADDRESSES, {"batch": BATCH}):
        pass
