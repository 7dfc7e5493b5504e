"""`manage.py revoke_key`: revokes App keys, by name or by what they have in common."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from keys.finding import key_as_json
from keys.management.base import cell, clear_errors, named_key
from keys.models import AppKey
from keys.services import Selection, revoke_key, revoke_keys, selected_keys

COLUMNS = ("prefix", "status", "label", "owner", "apps", "last_used_at")


class Command(TeachingCommand):
    """Revokes keys permanently."""

    help = """\
Revoke App keys. They fail on their next request, on every worker. This cannot be undone.

Name a key by its beginning, as list_keys prints it, or several by label, owner or App: then the command only lists
the keys, until it is called with --yes. Their Apps and sessions do not change.
"""
    examples = """\
examples:
  python manage.py revoke_key sk-mycoindex-Zk3v9QxA --reason "leaked in a log"
  python manage.py revoke_key --owner "Team Checkout"
  python manage.py revoke_key --owner "Team Checkout" --app mycoindex --reason "contract ended" --yes
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the keys and the reason."""
        parser.add_argument(
            "key", metavar="PREFIX", nargs="?", help="the key's beginning, such as sk-mycoindex-Zk3v9QxA"
        )
        parser.add_argument("--label", default="", help="all keys whose label contains this, ignoring case")
        parser.add_argument("--owner", default="", help="all keys of this owner")
        parser.add_argument("--app", metavar="APP", help="all keys that open this App, and possibly others")
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument("--yes", action="store_true", help="revoke the keys selected by label, owner and App")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Revoke the key and report it; revoking twice is not an error."""
        app = apps_named([options["app"]])[0] if options["app"] else None
        selection = Selection(label=options["label"], owner=options["owner"], app=app)
        if bool(options["key"]) == bool(selection):
            raise CommandError("Name one key by its PREFIX, or several by --label, --owner or --app.")
        with clear_errors():
            if options["key"]:
                self._revoke_one(named_key(options["key"]), options)
            else:
                self._revoke_many(selection, options)

    def _revoke_one(self, key: AppKey, options: dict[str, Any]) -> None:
        revoke_key(key, reason=options["reason"])
        if options["json"]:
            self.write_json(key_as_json(key))
        else:
            self.stdout.write(f"Revoked {key.prefix} ({key.label}) as of {key.revoked_at:%Y-%m-%d %H:%M:%S} UTC.")

    def _revoke_many(self, selection: Selection, options: dict[str, Any]) -> None:
        ids = list(selected_keys(selection).values_list("pk", flat=True))
        if options["yes"]:
            revoke_keys(ids, reason=options["reason"])
        keys = list(AppKey.objects.filter(pk__in=ids).select_related("created_by", "release").prefetch_related("apps"))
        if options["json"]:
            self.write_json({"revoked": options["yes"], "keys": [key_as_json(key) for key in keys]})
        elif not keys:
            self.stdout.write("No matching key is left to revoke.")
        else:
            self._write_keys(keys, is_done=options["yes"])

    def _write_keys(self, keys: list[AppKey], *, is_done: bool) -> None:
        self.write_table([{name: cell(key_as_json(key)[name]) for name in COLUMNS} for key in keys])
        count = "1 key" if len(keys) == 1 else f"{len(keys)} keys"
        self.stdout.write(f"Revoked {count}." if is_done else f"{count} would be revoked. Add --yes to do it.")
