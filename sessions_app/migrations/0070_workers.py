"""A row for each worker that serves."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0022_turn_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerState",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField()),
                ("version", models.CharField(max_length=40)),
                ("started_at", models.DateTimeField(db_default=Now())),
                ("seen_at", models.DateTimeField(db_default=Now())),
                ("bus", models.CharField(max_length=12)),
                ("hears_bus", models.BooleanField(verbose_name="hears the bus")),
                ("running_turns", models.PositiveIntegerField()),
                ("readers", models.PositiveIntegerField()),
                ("open_models", models.JSONField(default=list)),
                ("failing_loops", models.JSONField(default=list)),
            ],
            options={"verbose_name": "worker", "ordering": ["host", "pid"], "default_permissions": ()},
        ),
    ]
