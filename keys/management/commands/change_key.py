"""`manage.py change_key`: changes an App key's names, scope, expiry, channel, origins or networks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from apps_registry.management.base import apps_named
from apps_registry.models import App
from keys.finding import key_as_json
from keys.management.base import KeyCommand, clear_errors, moment_or_never, named_key
from keys.management.limit_options import add_limit_options, set_limit_options
from keys.models import AppKey
from keys.services import KeyChange, change_key, channel_named


class Command(KeyCommand):
    """Changes one key."""

    help = """\
Change an App key. The change applies from the next request on every worker; streams that the key may no longer
read end within two seconds.
"""
    examples = """\
examples:
  python manage.py change_key sk-mycoindex-Zk3v9QxA --owner "Team Checkout" --expires 90d
  python manage.py change_key sk-mycoindex-Zk3v9QxA --add-app mycoindex-staging
  python manage.py change_key sk-mycoindex-Zk3v9QxA --remove-app mycoindex --expires never
  python manage.py change_key sk-mycoindex-Zk3v9QxA --channel release:3
  python manage.py change_key sk-mycoindex-Zk3v9QxA --network 192.0.2.0/24 --origin any
  python manage.py change_key sk-mycoindex-Zk3v9QxA --tokens-per-day 500000 --concurrent-turns none
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what can change."""
        self.add_key_argument(parser)
        parser.add_argument("--label", help="who or what uses it")
        parser.add_argument("--owner", help="the person or team that answers for it; '' for nobody")
        parser.add_argument("--note", help="a note for operators; '' for none")
        parser.add_argument("--add-app", action="append", default=[], metavar="APP", help="open an App, too")
        parser.add_argument("--remove-app", action="append", default=[], metavar="APP", help="no longer open an App")
        parser.add_argument(
            "--expires", type=moment_or_never, metavar="WHEN", help="12h, 30d, 2027-01-31T00:00Z, or never"
        )
        parser.add_argument("--channel", help="live, draft, or release:N")
        for name in ("origin", "network"):
            replaced = f"replace the {name}s that may use it; may be repeated; 'any' for no limit"
            parser.add_argument(f"--{name}", action="append", metavar=name.upper(), help=replaced)
        add_limit_options(parser)
        self.add_json_argument(parser)

    @transaction.atomic
    def handle(self, *_args: object, **options: Any) -> None:
        key = named_key(options["key"])
        apps = _new_scope(key, add=options["add_app"], remove=options["remove_app"])
        with clear_errors():
            channel = None
            if options["channel"]:
                channel = channel_named(options["channel"], apps or list(key.apps.all()))
            names = {name: options[name] for name in ("label", "owner", "note")}
            change = KeyChange(
                **names,
                apps=apps,
                expires_at=options["expires"],
                channel=channel,
                origins=_entries(options["origin"]),
                networks=_entries(options["network"]),
            )
            changed = change_key(key, change) + set_limit_options(key, options)
        if options["json"]:
            self.write_json({"changed": changed, **key_as_json(key)})
        else:
            summary = f"Changed {', '.join(changed)} of" if changed else "Nothing to change on"
            self.stdout.write(f"{summary} {key.prefix} ({key.label}).")


def _entries(values: list[str] | None) -> str | None:
    """Return the entries to store, one per line; None if the option was not given."""
    return None if values is None else "" if values == ["any"] else "\n".join(values)


def _new_scope(key: AppKey, *, add: list[str], remove: list[str]) -> list[App] | None:
    """Return the scope with Apps added and removed; None if neither is asked for."""
    if not add and not remove:
        return None
    added, removed, now = apps_named(add), apps_named(remove), list(key.apps.all())
    if foreign := [app.slug for app in removed if app not in now]:
        raise CommandError(f"{key.prefix} does not open {foreign[0]!r}.")
    return [app for app in dict.fromkeys([*now, *added]) if app not in removed]
