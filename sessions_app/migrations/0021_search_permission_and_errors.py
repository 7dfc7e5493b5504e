"""The permission to search messages, and an index of failed turns; built while the server runs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sessions_app", "0020_message_words")]

    operations = [
        migrations.AlterModelOptions(
            name="message",
            options={
                "ordering": ["position"],
                "permissions": [("search_messages", "Can search the text of messages")],
            },
        ),
        AddIndexConcurrently(
            model_name="turn",
            index=models.Index(
                condition=models.Q(("error_code", ""), _negated=True), fields=["error_code"], name="turn_errors"
            ),
        ),
    ]
