"""`manage.py show_key`: shows everything about one App key except the key itself."""

from argparse import ArgumentParser
from typing import Any

from keys.finding import key_as_json, limits_as_json
from keys.management.base import KeyCommand, named_key


class Command(KeyCommand):
    """Shows one key."""

    help = """\
Show one App key: its label and owner, its Apps, its last use, what is left of its limits, and its expiry or revocation.
manage.py usage --key shows its usage.

The key itself is not stored and cannot be shown.
"""
    examples = """\
examples:
  python manage.py show_key sk-mycoindex-Zk3v9QxA
  python manage.py show_key sk-mycoindex-Zk3v9QxA --json | jq -r .expires_at
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_key_argument(parser)
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        key = named_key(options["key"])
        if options["json"]:
            self.write_json({**key_as_json(key), "limits": limits_as_json(key)})
        else:
            self.write_facts(key)
