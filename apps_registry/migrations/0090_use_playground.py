"""The permission to try Apps."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0070_request_ids_of_calls")]

    operations = [
        migrations.AlterModelOptions(
            name="app",
            options={
                "permissions": [("use_playground", "Can talk to Apps in the playground")],
                "verbose_name": "App",
            },
        ),
    ]
