"""`manage.py publish_app`: freezes an App as a release."""

from argparse import ArgumentParser
from typing import Any

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.releases.services import publish


class Command(TeachingCommand):
    """Publishes."""

    help = """\
Freeze an App's preamble, models, sampling, tools and set of documents as a numbered release, and make it live.

From then on edits change the App's draft, and callers meet them with the next release. An App that was never
published runs its draft. Secrets, allowed hosts, keys and who may call are not part of a release: they hold at once.
"""
    examples = """\
examples:
  python manage.py publish_app mycoindex
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the App."""
        parser.add_argument("app", metavar="APP", help="slug of the App")

    def handle(self, *_args: object, **options: Any) -> None:
        """Publish."""
        (app,) = apps_named([options["app"]])
        release, is_new = publish(app)
        note = "is live" if is_new else "is live already; the draft does not differ from it"
        self.stdout.write(f"Release {release.number} of {app.slug} {note}.")
