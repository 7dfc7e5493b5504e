"""`manage.py rotate_token_keys`: makes a new key that signs browser tokens."""

from argparse import ArgumentParser
from typing import Any

from django.db import connection, transaction

from apps_registry.management.base import TeachingCommand
from keys.tokens.signing_keys import BEGIN_ROTATION, ROTATE, new_key_parameters


class Command(TeachingCommand):
    help = """\
Create a new key that signs browser tokens.

Existing tokens stay valid until they expire, within an hour, unless you end them now. The server creates a new key
automatically when the current one is 30 days old.
"""
    examples = """\
examples:
  python manage.py rotate_token_keys
  python manage.py rotate_token_keys --now --json
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", action="store_true", help="end all browser tokens now, on every worker")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(BEGIN_ROTATION)
            cursor.execute(ROTATE, new_key_parameters(at_once=options["now"]))
            key_id, _ = cursor.fetchone()
        if options["json"]:
            self.write_json({"id": key_id, "earlier_tokens": "ended" if options["now"] else "live out their time"})
            return
        became = "have ended" if options["now"] else "stay valid until they expire, within an hour"
        self.stdout.write(f"Signing key no. {key_id} signs new browser tokens. Earlier tokens {became}.")
