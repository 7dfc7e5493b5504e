"""The row that the readiness probe writes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0020_keeps_reasoning")]

    operations = [
        migrations.CreateModel(
            name="StoreProbe",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("written_at", models.DateTimeField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="storeprobe",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="store_probe_is_one_row"),
        ),
    ]
