"""Sums of all keys by hour too, so that the hours of today and yesterday are folded once they are over.

The key has to change, which Django cannot do. -1: the whole day, as all rows of the version before.
"""

from django.db import migrations, models

SUMS = """turns, errors, interruptions, tool_rounds, prompt_tokens, completion_tokens, unreported_tokens, cost,
    unpriced_tokens, latency_ms_sum"""
KEY = """
ALTER TABLE keys_usagetotal ADD COLUMN hour smallint NOT NULL DEFAULT -1;
ALTER TABLE keys_usagetotal DROP CONSTRAINT keys_usagetotal_pkey;
ALTER TABLE keys_usagetotal ADD CONSTRAINT keys_usagetotal_pkey PRIMARY KEY (day, hour, app_id, model, kind);
"""
WITHOUT_HOURS = f"""
CREATE TEMP TABLE folded ON COMMIT DROP AS
SELECT day, app_id, model, kind, max(app_slug) AS app_slug,
    {", ".join(f"sum({name.strip()}) AS {name.strip()}" for name in SUMS.split(","))},
    keys_usage_sum(array_agg(latency_counts)) AS latency_counts,
    keys_usage_sum(array_agg(first_token_counts)) AS first_token_counts
FROM keys_usagetotal GROUP BY day, app_id, model, kind;
DELETE FROM keys_usagetotal;
ALTER TABLE keys_usagetotal DROP CONSTRAINT keys_usagetotal_pkey;
ALTER TABLE keys_usagetotal DROP COLUMN hour;
INSERT INTO keys_usagetotal (day, app_id, model, kind, app_slug, {SUMS}, latency_counts, first_token_counts)
SELECT day, app_id, model, kind, app_slug, {SUMS}, latency_counts, first_token_counts FROM folded;
ALTER TABLE keys_usagetotal ADD CONSTRAINT keys_usagetotal_pkey PRIMARY KEY (day, app_id, model, kind);
DROP TABLE folded;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0071_usage_totals"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(KEY, WITHOUT_HOURS)],
            [
                migrations.AddField("usagetotal", "hour", models.SmallIntegerField(default=-1, db_default=-1)),
                migrations.AlterField(
                    "usagetotal",
                    "pk",
                    models.CompositePrimaryKey(
                        *("day", "hour", "app_id", "model", "kind"),
                        **{"blank": True, "editable": False, "primary_key": True, "serialize": False},
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            "usage",
            models.Index(
                fields=["day", "slot"],
                condition=models.Q(hour__gte=0) | models.Q(slot__gte=0),
                name="usage_open",
            ),
        ),
        migrations.RemoveIndex("usage", "usage_not_folded"),
    ]
