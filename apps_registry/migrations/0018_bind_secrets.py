"""Binds each secret to the hosts of the tools and MCP servers that send it, drafted or released; others to none."""

import json
import re
from collections import defaultdict
from urllib.parse import urlsplit

from django.db import migrations

SECRET = re.compile(r"\{\{\s*secrets\.([A-Za-z0-9_.-]+)\s*\}\}")
PORTS = {"http": 80, "https": 443}


def bind(apps, schema_editor):
    Secret = apps.get_model("apps_registry", "Secret")
    hosts = defaultdict(set)  # (App, name of a secret) -> hosts
    for app_id, url, templates in _senders(apps):
        if host := _host(url):
            for name in SECRET.findall(json.dumps(templates)):
                hosts[app_id, name].add(host)
    for secret in Secret.objects.all():
        Secret.objects.filter(pk=secret.pk).update(hosts="\n".join(sorted(hosts[secret.app_id, secret.name])))


def _senders(apps):
    """Yield App, URL and the whole definition of all that sends secrets."""
    tools = apps.get_model("apps_registry", "Tool").objects.filter(kind="http")
    for app_id, definition in tools.values_list("app_id", "definition").iterator():
        yield from _tool(app_id, _read(definition))
    servers = apps.get_model("apps_registry", "McpServer").objects.all()
    for app_id, url, headers in servers.values_list("app_id", "url", "headers").iterator():
        yield app_id, url, headers
    releases = apps.get_model("apps_registry", "AppRelease").objects.all()
    for app_id, text in releases.values_list("app_id", "content").iterator():
        content = _read(text)
        for tool in content.get("http_tools") or ():
            yield from _tool(app_id, tool)
        for server in content.get("mcp_servers") or ():
            yield app_id, server.get("url"), server.get("headers") or {}


def _tool(app_id, definition):
    yield app_id, definition.get("url"), [definition.get(part) for part in ("url", "query", "headers", "body")]


def _read(text):
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _host(url):
    try:
        parts = urlsplit(str(url).partition("{{")[0])
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    name = (parts.hostname or "").lower()
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}" if name else None


class Migration(migrations.Migration):
    dependencies = [("apps_registry", "0017_secret_hosts")]
    operations = [migrations.RunPython(bind, migrations.RunPython.noop)]
