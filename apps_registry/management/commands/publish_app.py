"""`manage.py publish_app`: publishes an App as a release."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps_registry.app_files.errors import AppFileError
from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.models import App
from apps_registry.releases.services import Plan, plan_publishing, publish
from apps_registry.services.plan import PlanChanged


class Command(TeachingCommand):
    """Shows the changes of a release, and publishes it."""

    help = """\
Freeze an App's preamble, models, sampling, tools and set of documents as a numbered release, and make it live.

After that, edits change only the App's draft, and callers get them with the next release. An App that was never
published runs its draft. Secrets, allowed hosts, keys and access are not part of a release: changes of these take
effect at once. The command prints the changes; --check prints them without publishing.
"""
    examples = """\
examples:
  python manage.py publish_app mycoindex
  python manage.py publish_app mycoindex --check    # exit code 1 if the draft differs from the live release
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument(
            "--check", action="store_true", help="do not publish; end with exit code 1 if the draft differs"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        (app,) = apps_named([options["app"]])
        try:
            plan = plan_publishing(app)
            self._show(plan)
            if options["check"]:
                self._check(app, plan)
                return
            release, is_new = publish(app, digest=plan.digest())
        except (AppFileError, PlanChanged) as error:
            raise CommandError(
                str(error) or "The draft has changed in the meantime, so nothing was published. Try again."
            ) from None
        note = "is live" if is_new else "is already live; the draft is the same"
        self.stdout.write(f"Release {release.number} of {app.slug} {note}.")

    def _show(self, plan: Plan) -> None:
        for line in plan.diff():
            self.stdout.write(line)
        for note in plan.notes:
            self.stderr.write(note)

    def _check(self, app: App, plan: Plan) -> None:
        if plan.is_new:
            raise CommandError(f"The draft of {app.slug} differs from the live release.")
        self.stdout.write(f"The draft of {app.slug} is live.")
