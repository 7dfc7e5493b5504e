"""Usage by day, App, key and model, and the limits with their use; usage is keyed so that it can be partitioned by day."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('keys', '0003_secret_check'),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitSet',
            fields=[
                ('subject', models.CharField(editable=False, max_length=80, primary_key=True, serialize=False)),
                ('requests_per_minute', models.PositiveIntegerField(blank=True, help_text='Calls that start a turn or create a session. Empty: no limit.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)])),
                ('burst', models.PositiveIntegerField(blank=True, help_text='How many of these calls may come at once. Empty: as many as per minute.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)])),
                ('concurrent_turns', models.PositiveIntegerField(blank=True, help_text='Turns that run at the same time. Empty: no limit.', null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('tokens_per_day', models.PositiveBigIntegerField(blank=True, help_text='Tokens of prompts and answers. Days begin at midnight UTC. Empty: no limit.', null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('tokens_per_month', models.PositiveBigIntegerField(blank=True, help_text='Tokens of prompts and answers. Months begin at midnight UTC. Empty: no limit.', null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('money_per_day', models.DecimalField(blank=True, decimal_places=6, help_text="By the models' prices; every model that may answer needs one. Empty: no limit.", max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('money_per_month', models.DecimalField(blank=True, decimal_places=6, help_text="By the models' prices; every model that may answer needs one. Empty: no limit.", max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name': 'limits',
                'verbose_name_plural': 'limits',
            },
        ),
        migrations.CreateModel(
            name='LimitState',
            fields=[
                ('pk', models.CompositePrimaryKey('subject', 'slot', blank=True, editable=False, primary_key=True, serialize=False)),
                ('subject', models.CharField(max_length=120)),
                ('slot', models.SmallIntegerField(db_default=0, default=0)),
                ('requests', models.FloatField(db_default=0)),
                ('running_turns', models.IntegerField(db_default=0)),
                ('reserved_tokens', models.BigIntegerField(db_default=0)),
                ('reserved_money', models.DecimalField(db_default=0, decimal_places=10, max_digits=24)),
                ('day', models.DateField()),
                ('day_tokens', models.BigIntegerField(db_default=0)),
                ('day_money', models.DecimalField(db_default=0, decimal_places=10, max_digits=24)),
                ('month', models.DateField()),
                ('month_tokens', models.BigIntegerField(db_default=0)),
                ('month_money', models.DecimalField(db_default=0, decimal_places=10, max_digits=24)),
                ('blocked_until', models.DateTimeField(null=True)),
                ('used_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'use of limits',
                'verbose_name_plural': 'use of limits',
            },
        ),
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('pk', models.CompositePrimaryKey('day', 'app_id', 'app_key_id', 'model', 'kind', 'slot', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('app_id', models.BigIntegerField()),
                ('app_key_id', models.BigIntegerField(db_default=0, default=0)),
                ('model', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('turn', 'Turn'), ('title', 'Title'), ('summary', 'Summary')], max_length=8)),
                ('slot', models.SmallIntegerField()),
                ('app_slug', models.CharField(max_length=40)),
                ('app_key_label', models.CharField(blank=True, max_length=100)),
                ('turns', models.BigIntegerField(db_default=0)),
                ('errors', models.BigIntegerField(db_default=0)),
                ('interruptions', models.BigIntegerField(db_default=0)),
                ('tool_rounds', models.BigIntegerField(db_default=0)),
                ('prompt_tokens', models.BigIntegerField(db_default=0)),
                ('completion_tokens', models.BigIntegerField(db_default=0)),
                ('unreported_tokens', models.BigIntegerField(db_default=0)),
                ('cost', models.DecimalField(db_default=0, decimal_places=10, max_digits=24)),
                ('unpriced_tokens', models.BigIntegerField(db_default=0)),
                ('latency_ms_sum', models.BigIntegerField(db_default=0)),
                ('latency_counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('first_token_counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={
                'verbose_name': 'usage',
                'verbose_name_plural': 'usage',
                'indexes': [models.Index(fields=['app_key_id', 'day'], name='usage_by_key')],
            },
        ),
    ]
