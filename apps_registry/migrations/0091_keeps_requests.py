"""For how many days an App keeps what its models were sent."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0090_use_playground")]

    operations = [
        migrations.AddField(
            model_name="app",
            name="keeps_requests_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="For how many days a turn's page shows what its models were sent, to operators with the "
                "permission for it; secrets are masked. Empty: it is not kept.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(365),
                ],
                verbose_name="keeps requests to models",
            ),
        ),
    ]
