"""An App whose reply wait was left at its default says so: it may then depend on what the client listens to."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apps_registry", "0022_store_probe"),
    ]

    operations = [
        migrations.AlterField(
            model_name="app",
            name="reply_wait_seconds",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long a chat call waits for the reply before it answers 'processing'. Empty: 30, but "
                "not at all where the session's /api/updates is open, since such clients poll. 0: never.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(300)],
            ),
        ),
        migrations.RunSQL(
            "UPDATE apps_registry_app SET reply_wait_seconds = NULL WHERE reply_wait_seconds = 30",
            "UPDATE apps_registry_app SET reply_wait_seconds = 30 WHERE reply_wait_seconds IS NULL",
        ),
    ]
