"""`manage.py import_app`: makes an App what its file says."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.reading import AppFile, files_below, read_app_file
from apps_registry.app_files.services import Plan, apply_import, plan_import
from apps_registry.management.base import TeachingCommand
from apps_registry.services.plan import PlanChanged


class Command(TeachingCommand):
    """Shows what an import would change, and does it when told to."""

    help = """\
Make an App what its file says (see export_app), or show how it differs.

The file is the whole App: what it leaves out is as usual, or not there; only a default_model that is left out stays
as it is (a new App gets the default App's). Without --apply nothing is done. Secrets, keys, sessions and whether the
App is on are not touched. Providers and models are made where they are missing, and never changed.
"""
    examples = """\
examples:
  python manage.py import_app examples/mycoindex/mycoindex.yaml
  python manage.py import_app examples/mycoindex/mycoindex.yaml --apply
  python manage.py import_app apps/mycoindex.yaml --check    # exit code 1 when the App differs
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file and what to do with it."""
        parser.add_argument("file", type=Path, metavar="FILE", help="the App file")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--apply", action="store_true", help="do it")
        what.add_argument("--check", action="store_true", help="end with exit code 1 when the App differs")

    def handle(self, *_args: object, **options: Any) -> None:
        """Show, and apply."""
        try:
            file = _read(options["file"])
            plan = plan_import(file)
            self._show(plan)
            if options["apply"]:
                apply_import(file, digest=plan.digest())
        except (AppFileError, PlanChanged) as error:
            raise CommandError(str(error) or "The App changed meanwhile; nothing was done. Try again.") from None
        if options["check"] and plan.does_something:
            raise CommandError(f"The App {plan.slug} differs from its file.")
        self._summarise(plan, is_applied=options["apply"])

    def _show(self, plan: Plan) -> None:
        if plan.does_something:
            for words in plan.created:
                self.stdout.write(f"+ {words}")
            for line in plan.diff():
                self.stdout.write(line)

    def _summarise(self, plan: Plan, *, is_applied: bool) -> None:
        state = "no changes" if not plan.does_something else "changed" if plan.before else "new"
        hint = " (nothing is done without --apply)" if plan.does_something and not is_applied else ""
        self.stderr.write(f"{plan.slug}: {state}{hint}")
        if plan.secrets:
            self.stderr.write(f"Secrets to set on the App's page: {', '.join(plan.secrets)}.")


def _read(path: Path) -> AppFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    return read_app_file(content, files_below(path.parent))
