"""`manage.py revoke_key`: revokes an App key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand
from keys import crypto
from keys.models import AppKey
from keys.services import revoke_key


class Command(TeachingCommand):
    """Revokes a key permanently."""

    help = """\
Revoke an App key. It fails on its next request, on every worker, and cannot be taken back.

Name the key by its beginning, as list_keys prints it. Its Apps and sessions stay as they are.
"""
    examples = """\
examples:
  python manage.py list_keys --usable
  python manage.py revoke_key sk-mycoindex-Zk3v9QxA
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", metavar="PREFIX", help="the key's beginning, such as sk-mycoindex-Zk3v9QxA")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Revoke the key and report it; revoking twice is not an error."""
        key = revoke_key(_find(options["key"]))
        if options["json"]:
            self.write_json({"prefix": key.prefix, "revoked_at": key.revoked_at and key.revoked_at.isoformat()})
        else:
            self.stdout.write(f"Revoked {key.prefix} ({key.label}) as of {key.revoked_at:%Y-%m-%d %H:%M:%S} UTC.")


def _find(given_key: str) -> AppKey:
    """Find a key by its prefix. A whole key works too, but is never printed."""
    parts = crypto.parse_key(given_key)
    key = AppKey.objects.filter(prefix=parts.prefix if parts else given_key).first()
    if key is None:
        described_key = "that" if len(given_key) > crypto.KEY_MAX_LENGTH or parts else repr(given_key)
        raise CommandError(f"There is no key that begins with {described_key}; manage.py list_keys shows all.")
    return key
