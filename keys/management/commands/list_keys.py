"""`manage.py list_keys`: lists the App keys."""

from argparse import ArgumentParser
from typing import Any

from apps_registry.management.base import TeachingCommand, apps_named
from keys.models import BY_COMMAND, AppKey


class Command(TeachingCommand):
    help = """\
List the App keys, newest first: what they begin with, whom they are for, which Apps they open.

The keys themselves are not stored and cannot be shown again.
"""
    examples = """\
examples:
  python manage.py list_keys
  python manage.py list_keys --app mycoindex --usable
  python manage.py list_keys --json | jq -r '.[] | select(.status == "expired") | .prefix'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", metavar="APP", help="only keys that open this App")
        parser.add_argument("--usable", action="store_true", help="leave out revoked and expired keys")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        keys = AppKey.objects.usable() if options["usable"] else AppKey.objects.all()
        if options["app"]:
            keys = keys.filter(apps=apps_named([options["app"]])[0])
        rows = [_row(key) for key in keys.select_related("created_by").prefetch_related("apps")]
        if options["json"]:
            self.write_json(rows)
        elif rows:
            self.write_table([{name: _cell(value) for name, value in row.items()} for row in rows])
        else:
            self.stdout.write("No keys. Issue one with: python manage.py issue_key APP --label WHO")


def _row(key: AppKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "status": key.status,
        "label": key.label,
        "apps": sorted(app.slug for app in key.apps.all()),
        "created_by": str(key.created_by or BY_COMMAND),
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "expires_at": key.expires_at and key.expires_at.isoformat(timespec="seconds"),
        "last_used_at": key.last_used_at and key.last_used_at.isoformat(timespec="seconds"),
        "origins": key.allowed_origins.split(),
        "networks": key.allowed_networks.split(),
    }


def _cell(value: Any) -> str:
    return (",".join(value) if isinstance(value, list) else str(value or "")) or "-"
