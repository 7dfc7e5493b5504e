"""`manage.py rollback_app`: makes an earlier release of an App live."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.releases.services import NoSuchRelease, roll_back, run_draft


class Command(TeachingCommand):
    """Rolls back to a release, or runs the draft."""

    help = """\
Make an earlier release of an App live: the given one, or by default the release before the live one.

The draft does not change. With --draft the App runs its draft again, as before it was first published.
"""
    examples = """\
examples:
  python manage.py rollback_app mycoindex
  python manage.py rollback_app mycoindex 3
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", metavar="APP", help="slug of the App")
        target = parser.add_mutually_exclusive_group()
        target.add_argument("number", type=int, nargs="?", metavar="N", help="number of the release")
        target.add_argument("--draft", action="store_true", help="run the draft again")

    def handle(self, *_args: object, **options: Any) -> None:
        (app,) = apps_named([options["app"]])
        if options["draft"]:
            run_draft(app)
            self.stdout.write(f"{app.slug} runs its draft.")
            return
        try:
            release = roll_back(app, options["number"])
        except NoSuchRelease as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Release {release.number} of {app.slug} is live.")
