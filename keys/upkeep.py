"""Periodic work on usage and limits: merges the rows of past hours and days, and forgets addresses."""

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
# Slots are for concurrent writers, and past hours have few, so the rows of a past hour are folded into one, and the
# hours of a past day too. One worker folds at a time. Folding adds rows to the sums of all keys, which do not include
# rows with a slot. These sums are by hour until the day is folded: then the hours move to the sums of hours.
_FOLD = """
WITH folding AS (SELECT pg_try_advisory_xact_lock(hashtext('aomi.fold_usage')) AS is_ours),
due AS (
    SELECT day, app_id, app_key_id, model, kind, {hour} AS hour FROM keys_usage, folding
    WHERE is_ours AND {is_due}
    GROUP BY 1, 2, 3, 4, 5, 6 LIMIT %(batch)s
), parts AS (
    DELETE FROM keys_usage usage USING due
    WHERE (usage.day, usage.app_id, usage.app_key_id, usage.model, usage.kind)
        = (due.day, due.app_id, due.app_key_id, due.model, due.kind) AND due.hour IN (-1, usage.hour)
    RETURNING usage.*
), whole AS (
    INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, hour, slot, app_slug, app_key_label, {columns})
    SELECT day, app_id, app_key_id, model, kind, {hour}, -1, max(app_slug), max(app_key_label), {summed}
    FROM parts GROUP BY 1, 2, 3, 4, 5, 6
    RETURNING 1
), totals AS (
    INSERT INTO keys_usagetotal AS known (day, hour, app_id, model, kind, app_slug, {columns})
    SELECT day, {hour}, app_id, model, kind, max(app_slug), {summed}
    FROM parts WHERE slot >= 0 GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (day, hour, app_id, model, kind) DO UPDATE SET {added}
){more}
SELECT count(*) FROM whole
"""
_ADD_HOURS = """ (
    INSERT INTO keys_usagehour AS known (day, hour, {columns})
    SELECT day, hour, {summed} FROM {source} WHERE hour >= 0 GROUP BY 1, 2
    ON CONFLICT (day, hour) DO UPDATE SET {added}
)"""
_TEXTS = {"columns": _COLUMNS, "summed": _SUMMED, "added": _ADDED}
# Turns of the last hour may still be running.
FOLD_HOURS = _FOLD.format(
    hour="hour",
    is_due="""hour >= 0 AND slot >= 0 AND day >= (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
        AND day + make_interval(hours => hour + 2) <= clock_timestamp() AT TIME ZONE 'UTC'""",
    more="",
    **_TEXTS,
)
FOLD_DAYS = _FOLD.format(
    hour="(-1)::smallint",
    is_due="(hour >= 0 OR slot >= 0) AND day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1",
    more=f", hours AS {_ADD_HOURS.format(source='(SELECT * FROM parts WHERE slot >= 0) parts', **_TEXTS)}",
    **_TEXTS,
)
FOLD_TOTALS = f"""
WITH parts AS (
    DELETE FROM keys_usagetotal
    WHERE hour >= 0 AND day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1 RETURNING *
), whole AS (
    INSERT INTO keys_usagetotal AS known (day, hour, app_id, model, kind, app_slug, {_COLUMNS})
    SELECT day, -1, app_id, model, kind, max(app_slug), {_SUMMED} FROM parts GROUP BY 1, 3, 4, 5
    ON CONFLICT (day, hour, app_id, model, kind) DO UPDATE SET {_ADDED}
    RETURNING 1
), hours AS {_ADD_HOURS.format(source="parts", **_TEXTS)}
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
    """Fold the usage of past days, and delete hours and addresses, every hour."""
    await forever("accounts", upkeep, every=EVERY_SECONDS)


async def upkeep() -> None:
    """Do the work of one round."""
    for fold in (FOLD_HOURS, FOLD_DAYS):
        while (await database.execute(fold, {"batch": BATCH}))[0][0]:
            pass
    await database.execute(FOLD_TOTALS)
    await database.execute(FORGET_HOURS, {"days": HOURS_KEPT_DAYS})
    while await database.execute(FORGET_ADDRESSES, {"batch": BATCH}):
        pass
