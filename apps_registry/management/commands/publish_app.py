"""`manage.py publish_app`: freezes an App as a release."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.app_files.errors import AppFileError
from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.models import App
from apps_registry.releases.services import Plan, plan_publishing, publish
from apps_registry.services.plan import PlanChanged


class Command(TeachingCommand):
    """Publishes."""

    help = """\
Freeze an App's preamble, models, sampling, tools and set of documents as a numbered release, and make it live.

From then on edits change the App's draft, and callers meet them with the next release. An App that was never
published runs its draft. Secrets, allowed hosts, keys and who may call are not part of a release: they hold at once.
What the release changes is printed; --check prints it and does nothing.
"""
    examples = """\
examples:
  python manage.py publish_app mycoindex
  python manage.py publish_app mycoindex --check    # exit code 1 when the draft differs from what is live
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the App."""
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument("--check", action="store_true", help="publish nothing; end with exit code 1 when it would")

    def handle(self, *_args: object, **options: Any) -> None:
        """Show what changes, and publish."""
        (app,) = apps_named([options["app"]])
        try:
            plan = plan_publishing(app)
            self._show(plan)
            if options["check"]:
                self._check(app, plan)
                return
            release, is_new = publish(app, digest=plan.digest())
        except (AppFileError, PlanChanged) as error:
            raise CommandError(str(error) or "The draft changed meanwhile; nothing was done. Try again.") from None
        note = "is live" if is_new else "is live already; the draft does not differ from it"
        self.stdout.write(f"Release {release.number} of {app.slug} {note}.")

    def _show(self, plan: Plan) -> None:
        for line in plan.diff():
            self.stdout.write(line)
        for note in plan.notes:
            self.stderr.write(note)

    def _check(self, app: App, plan: Plan) -> None:
        if plan.is_new:
            raise CommandError(f"The draft of {app.slug} is not what is live.")
        self.stdout.write(f"The draft of {app.slug} is live.")
