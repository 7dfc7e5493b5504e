"""What models were sent in turns, for Apps that keep it.

Postgres deletes the rows with their turn: so do the statements that delete sessions, and those of earlier versions.
"""

import django.db.models.deletion
from django.db import migrations, models

ADD = """
ALTER TABLE sessions_app_sentrequest ADD CONSTRAINT sentrequest_of_turn
    FOREIGN KEY (turn_id) REFERENCES sessions_app_turn (id) ON DELETE CASCADE;
"""
REMOVE = "ALTER TABLE sessions_app_sentrequest DROP CONSTRAINT sentrequest_of_turn;"


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0070_workers")]

    operations = [
        migrations.CreateModel(
            name="SentRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round_number", models.PositiveSmallIntegerField()),
                ("model", models.CharField(max_length=100)),
                ("body", models.TextField()),
                ("size", models.PositiveBigIntegerField()),
                ("status", models.PositiveSmallIntegerField()),
                ("sent_at", models.DateTimeField()),
                (
                    "turn",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sent_requests",
                        to="sessions_app.turn",
                    ),
                ),
            ],
            options={
                "verbose_name": "request to a model",
                "verbose_name_plural": "requests to models",
                "ordering": ["id"],
                "default_permissions": ("view",),
            },
        ),
        migrations.RunSQL(ADD, REMOVE),
    ]
