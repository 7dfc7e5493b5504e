"""Periodic work on usage and limits: roll-ups of past days become one row, hours and addresses are forgotten."""

from apps_registry.support import database
from apps_registry.support.forever import forever

EVERY_SECONDS = 3600.0
BATCH = 500

# Slots are for concurrent writers, and few write to past days, so their rows are merged. One worker merges at a time.
# The hours of all Apps together are kept for a while.
FOLD_USAGE = """
WITH folding AS (SELECT pg_try_advisory_xact_lock(hashtext('aomi.fold_usage')) AS is_ours),
due AS (
    SELECT day, app_id, app_key_id, model, kind FROM keys_usage, folding
    WHERE is_ours AND day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
    GROUP BY day, app_id, app_key_id, model, kind HAVING count(*) > 1 OR min(slot) <> -1 LIMIT %(batch)s
), parts AS (
    DELETE FROM keys_usage usage USING due
    WHERE (usage.day, usage.app_id, usage.app_key_id, usage.model, usage.kind)
        = (due.day, due.app_id, due.app_key_id, due.model, due.kind)
    RETURNING usage.*
), whole AS (
    INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, hour, slot, app_slug, app_key_label, turns, errors,
        interruptions, tool_rounds, prompt_tokens, completion_tokens, unreported_tokens, cost, unpriced_tokens,
        latency_ms_sum, latency_counts, first_token_counts)
    SELECT day, app_id, app_key_id, model, kind, -1, -1, max(app_slug), max(app_key_label), sum(turns), sum(errors),
        sum(interruptions), sum(tool_rounds), sum(prompt_tokens), sum(completion_tokens), sum(unreported_tokens),
        sum(cost), sum(unpriced_tokens), sum(latency_ms_sum), keys_usage_sum(array_agg(latency_counts)),
        keys_usage_sum(array_agg(first_token_counts))
    FROM parts GROUP BY day, app_id, app_key_id, model, kind
    RETURNING 1
), hours AS (
    INSERT INTO keys_usagehour AS known (day, hour, turns, errors, interruptions, tool_rounds, prompt_tokens,
        completion_tokens, unreported_tokens, cost, unpriced_tokens, latency_ms_sum, latency_counts,
        first_token_counts)
    SELECT day, hour, sum(turns), sum(errors), sum(interruptions), sum(tool_rounds), sum(prompt_tokens),
        sum(completion_tokens), sum(unreported_tokens), sum(cost), sum(unpriced_tokens), sum(latency_ms_sum),
        keys_usage_sum(array_agg(latency_counts)), keys_usage_sum(array_agg(first_token_counts))
    FROM parts WHERE hour >= 0 GROUP BY day, hour
    ON CONFLICT (day, hour) DO UPDATE SET turns = known.turns + excluded.turns,
        errors = known.errors + excluded.errors, interruptions = known.interruptions + excluded.interruptions,
        tool_rounds = known.tool_rounds + excluded.tool_rounds,
        prompt_tokens = known.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = known.completion_tokens + excluded.completion_tokens,
        unreported_tokens = known.unreported_tokens + excluded.unreported_tokens,
        cost = known.cost + excluded.cost, unpriced_tokens = known.unpriced_tokens + excluded.unpriced_tokens,
        latency_ms_sum = known.latency_ms_sum + excluded.latency_ms_sum,
        latency_counts = keys_usage_sum(ARRAY[known.latency_counts, excluded.latency_counts]),
        first_token_counts = keys_usage_sum(ARRAY[known.first_token_counts, excluded.first_token_counts])
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
