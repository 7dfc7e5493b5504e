"""Usage of all keys together, by day, App and model: pages that do not ask for keys read few rows."""

import django.contrib.postgres.fields
from django.db import migrations, models

SUMS = """turns, errors, interruptions, tool_rounds, prompt_tokens, completion_tokens, unreported_tokens, cost,
    unpriced_tokens, latency_ms_sum"""
# Rows with slot -1 are folded; keys/upkeep.py adds the others when it folds them.
FILL = f"""
INSERT INTO keys_usagetotal (day, app_id, model, kind, app_slug, {SUMS}, latency_counts, first_token_counts)
SELECT day, app_id, model, kind, max(app_slug), {", ".join(f"sum({name.strip()})" for name in SUMS.split(","))},
    keys_usage_sum(array_agg(latency_counts)), keys_usage_sum(array_agg(first_token_counts))
FROM keys_usage WHERE slot = -1 GROUP BY day, app_id, model, kind
"""


def _count() -> models.BigIntegerField:
    return models.BigIntegerField(db_default=0)


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0070_usage_hours"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageTotal",
            fields=[
                ("pk", models.CompositePrimaryKey("day", "app_id", "model", "kind", blank=True, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("app_id", models.BigIntegerField()),
                ("model", models.CharField(max_length=100)),
                ("kind", models.CharField(choices=[("turn", "Turn"), ("title", "Title"), ("summary", "Summary")], max_length=8)),
                ("app_slug", models.CharField(max_length=40)),
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
            options={"default_permissions": (), "verbose_name": "usage of all keys", "verbose_name_plural": "usage of all keys"},
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["day"], condition=~models.Q(slot=-1), name="usage_not_folded"),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
