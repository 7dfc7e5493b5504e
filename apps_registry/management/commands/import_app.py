"""`manage.py import_app`: creates or changes an App from its App file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.reading import AppFile, files_below, read_app_file
from apps_registry.app_files.services import AppFilePlan, apply_import, plan_import
from apps_registry.management.base import TeachingCommand
from apps_registry.services.plan import PlanChanged


class Command(TeachingCommand):
    """Previews the changes of an import, and applies them with --apply."""

    help = """\
Create or change an App from its App file (see export_app), or show how the App differs.

The file describes the complete App: settings that it omits get their defaults, and tools, documents and other parts
that it omits are removed. Only an omitted default_model does not change (a new App gets that of the default App).
Without --apply nothing is changed. Secrets, keys, sessions and the active state of the App never change. Missing
providers and models are created; existing ones never change.
"""
    examples = """\
examples:
  python manage.py import_app examples/mycoindex/mycoindex.yaml
  python manage.py import_app examples/mycoindex/mycoindex.yaml --apply
  python manage.py import_app apps/mycoindex.yaml --check    # exit code 1 if the App differs
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the App file")
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--apply", action="store_true", help="apply the changes")
        mode.add_argument("--check", action="store_true", help="end with exit code 1 if the App differs")

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            file = _read(options["file"])
            plan = plan_import(file)
            self._show(plan)
            if options["apply"]:
                apply_import(file, digest=plan.digest())
        except (AppFileError, PlanChanged) as error:
            raise CommandError(
                str(error) or "The App has changed in the meantime, so nothing was changed. Try again."
            ) from None
        if options["check"] and plan.does_something:
            raise CommandError(f"The App {plan.slug} differs from its file.")
        self._summarise(plan, is_applied=options["apply"])

    def _show(self, plan: AppFilePlan) -> None:
        if plan.does_something:
            for description in plan.created:
                self.stdout.write(f"+ {description}")
            for line in plan.diff():
                self.stdout.write(line)

    def _summarise(self, plan: AppFilePlan, *, is_applied: bool) -> None:
        state = "no changes" if not plan.does_something else "changed" if plan.before else "new"
        hint = " (nothing is changed without --apply)" if plan.does_something and not is_applied else ""
        self.stderr.write(f"{plan.slug}: {state}{hint}")
        if plan.secrets:
            self.stderr.write(f"Secrets to set on the App's page: {', '.join(plan.secrets)}.")


def _read(path: Path) -> AppFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    return read_app_file(content, files_below(path.parent))
