"""A few bits of each new secret's digest; the keys that there are get theirs when they are next verified."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('keys', '0002_failures'),
    ]

    operations = [
        migrations.AddField(
            model_name='appkey',
            name='secret_check',
            field=models.CharField(editable=False, max_length=6, null=True),
        ),
        migrations.AlterField(
            model_name='keyfailure',
            name='lookup_id',
            field=models.CharField(blank=True, max_length=16),
        ),
    ]
