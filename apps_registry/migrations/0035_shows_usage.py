"""Whether an App shows its callers what a turn has used."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apps_registry', '0032_source_limits'),
    ]

    operations = [
        migrations.AddField(
            model_name='app',
            name='shows_usage',
            field=models.BooleanField(db_default=False, default=False, help_text="Snapshots show callers the tokens and the cost of the session's last turn, and its model.", verbose_name='shows usage'),
        ),
    ]
