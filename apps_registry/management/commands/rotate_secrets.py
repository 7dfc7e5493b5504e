"""`manage.py rotate_secrets`: encrypts all secrets and keys again with the first key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import QuerySet

from apps_registry.credentials.encryption import NoKeys, Unreadable
from apps_registry.management.base import TeachingCommand
from apps_registry.models import Provider, Secret


class Command(TeachingCommand):
    """Encrypts all secrets and provider keys again."""

    help = """\
Encrypt every stored secret and provider key again with the first key of SECRETS_KEYS.

To change the key: put a new key before the old one in SECRETS_KEYS, restart the server, run this command, then remove
the old key. The values do not change and are not shown. Secrets that no key can decrypt are listed and left unchanged.
"""
    examples = """\
examples:
  python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'
  SECRETS_KEYS=new-key,old-key python manage.py rotate_secrets
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Encrypt row by row, and report the rows that could not be decrypted."""
        done, unreadable = 0, list[str]()
        for secret in Secret.objects.order_by("pk").values_list("pk", flat=True):
            done += self._move(Secret.objects.filter(pk=secret), "token", unreadable)
        for provider in Provider.objects.exclude(api_key_token="").order_by("pk").values_list("pk", flat=True):
            done += self._move(Provider.objects.filter(pk=provider), "api_key_token", unreadable)
        if options["json"]:
            self.write_json({"encrypted": done, "unreadable": unreadable})
        else:
            self.stdout.write(f"Encrypted {done} secret{'' if done == 1 else 's'} with the first key.")
        if unreadable:
            raise CommandError("\n".join(unreadable))

    @transaction.atomic
    def _move(self, query: QuerySet[Any], column: str, unreadable: list[str]) -> int:
        """Encrypt one row again; return the number of updated rows."""
        # The row is locked, so that a value set in the admin at the same time is not overwritten.
        row = query.select_for_update(of=("self",)).first()
        if row is None or not getattr(row, column):
            return 0
        try:
            row.reencrypt()
        except Unreadable as error:
            unreadable.append(f"{_name(row)} cannot be read: {error}")
            return 0
        except NoKeys as error:
            raise CommandError(str(error)) from None
        return query.update(**{column: getattr(row, column)})  # without `updated_at`, since the value did not change


def _name(row: Secret | Provider) -> str:
    return f"{row.name} of the App {row.app}" if isinstance(row, Secret) else f"The key of the provider {row}"
