"""MCP servers keep their instructions, and perhaps sessions; an App may be held to a list of public hosts."""

import apps_registry.models.tool
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apps_registry', '0024_outbound_calls_outlive_apps'),
    ]

    operations = [
        migrations.AddField(
            model_name='app',
            name='only_hosts',
            field=models.TextField(blank=True, default='', help_text="The public hosts that this App's tools, imports and MCP servers may call, one a line, with the port unless that is 443: api.example.com. Calls and redirects to others are refused. Empty: any public host. Holds at once, for all releases.", validators=[apps_registry.models.tool.validate_secret_hosts], verbose_name='only these hosts'),
        ),
        migrations.AddField(
            model_name='mcpserver',
            name='instructions',
            field=models.TextField(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='mcpserver',
            name='keeps_session',
            field=models.BooleanField(default=False, help_text='For servers that keep state, such as a browser: the next turn goes on where the last one was. Each worker keeps up to 100 such sessions, each for 10 minutes after its last call; a conversation that comes back later, or goes on with another worker, begins a new one. Otherwise a session ends with its turn.', verbose_name='one session per conversation'),
        ),
        migrations.AddField(
            model_name='mcpserver',
            name='left_out',
            field=models.JSONField(blank=True, default=list, editable=False),
        ),
        migrations.AddField(
            model_name='mcpserver',
            name='offered_instructions',
            field=models.TextField(blank=True, default='', editable=False),
        ),
    ]
