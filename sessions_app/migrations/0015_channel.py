"""Sessions remember the channel in which they began; those that there are began in the live one."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sessions_app', '0010_turn_accounting'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatsession',
            name='channel',
            field=models.CharField(blank=True, db_default='live', default='live', editable=False, max_length=32),
        ),
    ]
