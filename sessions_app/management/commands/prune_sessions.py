"""`manage.py prune_sessions`: removes sessions past their App's retention now."""

from argparse import ArgumentParser
from typing import Any

from django.db import connection

from apps_registry.management.base import TeachingCommand
from sessions_app.sql import many as sql_many
from sessions_app.upkeep import prune_parameters


class Command(TeachingCommand):
    """Removes sessions past their App's retention, in batches."""

    help = """\
Remove the sessions that are older than their App's retention, with their messages.

The retention is set on the App's page in the admin, in days since the last activity; without it, sessions are kept.
The server also does this once an hour.
"""
    examples = """\
examples:
  python manage.py prune_sessions
  python manage.py prune_sessions --json
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Remove sessions in batches and print the total."""
        total = 0
        with connection.cursor() as cursor:
            while True:
                cursor.execute(sql_many.PRUNE_SESSIONS, prune_parameters())
                removed = cursor.fetchone()[0]
                total += removed
                if not removed:
                    break
        if options["json"]:
            self.write_json({"removed": total})
        else:
            self.stdout.write(f"Removed {total} session{'' if total == 1 else 's'}.")
