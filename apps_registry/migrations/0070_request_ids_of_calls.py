"""Outbound calls name the request that made them; rows of earlier versions name none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apps_registry", "0060_callers_of_other_doors"),
    ]

    operations = [
        migrations.AddField(
            model_name="outboundcall",
            name="request_id",
            field=models.UUIDField("request id", null=True),
        ),
        migrations.AddIndex(
            model_name="outboundcall",
            index=models.Index(
                fields=["request_id"], condition=models.Q(request_id__isnull=False), name="outbound_of_request"
            ),
        ),
    ]
