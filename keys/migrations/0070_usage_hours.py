"""Usage by hour: of today and yesterday in the roll-up itself, of the days before as sums over everything.

keys_usage_add takes the time instead of the day. The row that it writes has the hour in its key, so a turn writes one
row as before.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

# What differs between the version with hours and the one without: the type of the first argument, the day of it, the
# columns of the key that follow from it, and their condition.
ADD = """
DROP FUNCTION {drop};
CREATE FUNCTION keys_usage_add(
    {first}, of_app bigint, of_key bigint, of_model text, of_kind text, more_turns int, more_errors int,
    more_interruptions int, more_rounds bigint, more_prompt bigint, more_completion bigint, more_unreported bigint,
    more_cost numeric, more_unpriced bigint, latency bigint, first_token bigint, sign int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- Turns that end at the same time on different connections write different rows.
    own_slot smallint := pg_backend_pid() % 16;
    latency_bucket int := keys_usage_bucket(latency);
    first_bucket int := keys_usage_bucket(first_token);
    {declare}
BEGIN
    LOOP
        UPDATE keys_usage SET
            turns = turns + sign * more_turns, errors = errors + sign * more_errors,
            interruptions = interruptions + sign * more_interruptions, tool_rounds = tool_rounds + sign * more_rounds,
            prompt_tokens = prompt_tokens + sign * more_prompt,
            completion_tokens = completion_tokens + sign * more_completion,
            unreported_tokens = unreported_tokens + sign * more_unreported, cost = keys_usage.cost + sign * more_cost,
            unpriced_tokens = unpriced_tokens + sign * more_unpriced,
            latency_ms_sum = latency_ms_sum + sign * COALESCE(latency, 0),
            latency_counts[latency_bucket] = latency_counts[latency_bucket] + sign,
            first_token_counts[first_bucket] = first_token_counts[first_bucket] + sign
        WHERE day = on_day AND app_id = of_app AND app_key_id = of_key AND model = of_model AND kind = of_kind
            {condition} AND slot = own_slot;
        EXIT WHEN FOUND;
        INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, {column} slot, app_slug, app_key_label,
            latency_counts, first_token_counts)
        VALUES (on_day, of_app, of_key, of_model, of_kind, {value} own_slot,
            COALESCE((SELECT slug FROM apps_registry_app WHERE id = of_app), ''),
            COALESCE((SELECT label FROM keys_appkey WHERE id = of_key), ''),
            array_fill(0::bigint, ARRAY[35]), array_fill(0::bigint, ARRAY[35]))
        ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION keys_usage_add_turn(turn sessions_app_turn, sign int) RETURNS void LANGUAGE sql AS $$
    SELECT keys_usage_add(
        {when}, turn.app_id, COALESCE(turn.app_key_id, 0), turn.model, 'turn',
        1, (turn.status = 'failed')::int, (turn.status = 'interrupted')::int, turn.tool_rounds,
        COALESCE(turn.prompt_tokens, 0), COALESCE(turn.completion_tokens, 0), turn.unreported_tokens,
        COALESCE(turn.cost, 0), turn.unpriced_tokens,
        -- The time that a turn waited for its user is not the server's.
        CASE WHEN turn.paused_until IS NULL AND turn.finished_at IS NOT NULL THEN
            GREATEST(0, extract(epoch FROM turn.finished_at - turn.started_at) * 1000)::bigint END,
        turn.first_token_ms, sign)
$$;
"""
REST = """bigint, bigint, text, text, int, int, int, bigint, bigint, bigint, bigint, numeric, bigint,
    bigint, bigint, int"""
WITH_HOURS = ADD.format(
    drop=f"keys_usage_add(date, {REST})",
    first="at timestamptz",
    declare="""on_day date := (at AT TIME ZONE 'UTC')::date;
    in_hour smallint := extract(hour FROM at AT TIME ZONE 'UTC');""",
    condition="AND hour = in_hour",
    column="hour,",
    value="in_hour,",
    when="turn.started_at",
)
WITHOUT_HOURS = ADD.format(
    drop=f"keys_usage_add(timestamptz, {REST})",
    first="on_day date",
    declare="",
    condition="",
    column="",
    value="",
    when="(turn.started_at AT TIME ZONE 'UTC')::date",
)
# The key has to change, which Django cannot do. -1: the whole day, as all rows of the version before.
KEY = """
ALTER TABLE keys_usage ADD COLUMN hour smallint NOT NULL DEFAULT -1;
ALTER TABLE keys_usage DROP CONSTRAINT keys_usage_pkey;
ALTER TABLE keys_usage ADD CONSTRAINT keys_usage_pkey
    PRIMARY KEY (day, app_id, app_key_id, model, kind, hour, slot);
"""
FOLD_HOURS = """
CREATE TEMP TABLE folded ON COMMIT DROP AS
SELECT day, app_id, app_key_id, model, kind, max(app_slug) AS app_slug, max(app_key_label) AS app_key_label,
    sum(turns) AS turns, sum(errors) AS errors, sum(interruptions) AS interruptions, sum(tool_rounds) AS tool_rounds,
    sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
    sum(unreported_tokens) AS unreported_tokens, sum(cost) AS cost, sum(unpriced_tokens) AS unpriced_tokens,
    sum(latency_ms_sum) AS latency_ms_sum, keys_usage_sum(array_agg(latency_counts)) AS latency_counts,
    keys_usage_sum(array_agg(first_token_counts)) AS first_token_counts
FROM keys_usage GROUP BY day, app_id, app_key_id, model, kind;
DELETE FROM keys_usage;
ALTER TABLE keys_usage DROP CONSTRAINT keys_usage_pkey;
ALTER TABLE keys_usage DROP COLUMN hour;
INSERT INTO keys_usage (day, app_id, app_key_id, model, kind, slot, app_slug, app_key_label, turns, errors,
    interruptions, tool_rounds, prompt_tokens, completion_tokens, unreported_tokens, cost, unpriced_tokens,
    latency_ms_sum, latency_counts, first_token_counts)
SELECT day, app_id, app_key_id, model, kind, -1, app_slug, app_key_label, turns, errors,
    interruptions, tool_rounds, prompt_tokens, completion_tokens, unreported_tokens, cost, unpriced_tokens,
    latency_ms_sum, latency_counts, first_token_counts FROM folded;
ALTER TABLE keys_usage ADD CONSTRAINT keys_usage_pkey PRIMARY KEY (day, app_id, app_key_id, model, kind, slot);
DROP TABLE folded;
"""
KEY_COLUMNS = ("day", "app_id", "app_key_id", "model", "kind", "hour", "slot")


def _count() -> models.BigIntegerField:
    return models.BigIntegerField(db_default=0)


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0040_source_limits_and_token_keys"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(KEY + WITH_HOURS, WITHOUT_HOURS + FOLD_HOURS)],
            [
                migrations.AddField("usage", "hour", models.SmallIntegerField(default=-1, db_default=-1)),
                migrations.AlterField(
                    "usage",
                    "pk",
                    models.CompositePrimaryKey(
                        *KEY_COLUMNS, blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UsageHour",
            fields=[
                ("pk", models.CompositePrimaryKey("day", "hour", blank=True, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("hour", models.SmallIntegerField()),
                ("turns", _count()),
                ("errors", _count()),
                ("interruptions", _count()),
                ("tool_rounds", _count()),
                ("prompt_tokens", _count()),
                ("completion_tokens", _count()),
                ("unreported_tokens", _count()),
                ("cost", models.DecimalField(db_default=0, decimal_places=10, max_digits=24)),
                ("unpriced_tokens", _count()),
                ("latency_ms_sum", _count()),
                ("latency_counts", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("first_token_counts", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={"default_permissions": (), "verbose_name": "usage of an hour", "verbose_name_plural": "usage by hour"},
        ),
    ]
