"""`manage.py rotate_secrets`: everything that is stored encrypted goes under the first key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from apps_registry.encryption import NoKeys, Unreadable
from apps_registry.management.base import TeachingCommand
from apps_registry.models import Secret


class Command(TeachingCommand):
    """Encrypts all secrets anew."""

    help = """\
Encrypt every stored secret anew, under the first key of SECRETS_KEYS.

To change the key: put a new one before the old one in SECRETS_KEYS, restart the server, run this command, then take
the old one away. Values stay as they are and are not shown. A secret that no key opens is named, and left alone.
"""
    examples = """\
examples:
  python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'
  SECRETS_KEYS=new-key,old-key python manage.py rotate_secrets
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the output."""
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Encrypt row by row, and say which could not be read."""
        done, unreadable = 0, []
        for pk in Secret.objects.order_by("pk").values_list("pk", flat=True):
            with transaction.atomic():
                # The row is held meanwhile, so that a value set at the console just now is not undone.
                secret = Secret.objects.select_for_update(of=("self",)).select_related("app").filter(pk=pk).first()
                if secret is None:
                    continue
                try:
                    secret.reencrypt()
                except Unreadable as error:
                    unreadable.append(f"{secret.name} of the App {secret.app} cannot be read: {error}")
                    continue
                except NoKeys as error:
                    raise CommandError(str(error)) from None
                Secret.objects.filter(pk=pk).update(token=secret.token)  # its value was not set now
                done += 1
        if options["json"]:
            self.write_json({"encrypted": done, "unreadable": unreadable})
        else:
            self.stdout.write(f"Encrypted {done} secret{'' if done == 1 else 's'} under the first key.")
        if unreadable:
            raise CommandError("\n".join(unreadable))
