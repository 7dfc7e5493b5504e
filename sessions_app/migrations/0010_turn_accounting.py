"""What a turn reserves, what it used without a count or a price, and whose limits it counts for."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sessions_app', '0009_message_extra'),
    ]

    operations = [
        migrations.AddField(
            model_name='turn',
            name='admission',
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='turn',
            name='reserved_cost',
            field=models.DecimalField(blank=True, decimal_places=10, editable=False, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='turn',
            name='reserved_tokens',
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='turn',
            name='unpriced_tokens',
            field=models.PositiveBigIntegerField(db_default=0, default=0, verbose_name='tokens without a price'),
        ),
        migrations.AddField(
            model_name='turn',
            name='unreported_cost',
            field=models.DecimalField(db_default=0, decimal_places=10, default=0, max_digits=20),
        ),
        migrations.AddField(
            model_name='turn',
            name='unreported_tokens',
            field=models.PositiveBigIntegerField(db_default=0, default=0, verbose_name='tokens reserved, not counted'),
        ),
    ]
