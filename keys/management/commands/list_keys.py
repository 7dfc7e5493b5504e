"""`manage.py list_keys`: lists the App keys."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from apps_registry.management.base import TeachingCommand, apps_named
from keys.finding import key_as_json
from keys.management.base import cell, moment_or_never
from keys.models import AppKey

# The columns of the table; --json has all.
COLUMNS = ("prefix", "status", "label", "owner", "apps", "channel", "created_by", "expires_at", "last_used_at")


class Command(TeachingCommand):
    help = """\
List the App keys, newest first: their beginnings, labels, owners and Apps.

The keys themselves are not stored and cannot be shown again. show_key shows the details of one.
"""
    examples = """\
examples:
  python manage.py list_keys
  python manage.py list_keys --app mycoindex --usable
  python manage.py list_keys --owner "Team Checkout" --expiring 14d
  python manage.py list_keys --json | jq -r '.[] | select(.status == "expired") | .prefix'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what narrows the list."""
        parser.add_argument("--app", metavar="APP", help="only keys that open this App")
        parser.add_argument("--owner", help="only keys of this owner")
        parser.add_argument("--usable", action="store_true", help="leave out revoked and expired keys")
        parser.add_argument(
            "--expiring", type=_moment, metavar="WHEN", help="only usable keys that expire before then, such as 14d"
        )
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        keys = AppKey.objects.usable() if options["usable"] or options["expiring"] else AppKey.objects.all()
        if options["app"]:
            keys = keys.filter(apps=apps_named([options["app"]])[0])
        if options["owner"]:
            keys = keys.filter(owner__iexact=options["owner"])
        if options["expiring"]:
            keys = keys.filter(expires_at__lt=options["expiring"])
        related = ("created_by", "revoked_by", "release", "last_used_app", "rotated_from", "successor")
        rows = [key_as_json(key) for key in keys.select_related(*related).prefetch_related("apps")]
        if options["json"]:
            self.write_json(rows)
        elif rows:
            self.write_table([{name: cell(row[name]) for name in COLUMNS} for row in rows])
        else:
            self.stdout.write("No keys. Issue one with: python manage.py issue_key APP --label WHO")


def _moment(text: str) -> datetime:
    moment = moment_or_never(text)
    if moment == "never":
        raise ArgumentTypeError("'never' is not possible here: write a duration such as 14d")
    return moment
