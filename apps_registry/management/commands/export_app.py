"""`manage.py export_app`: an App as one YAML file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps_registry.app_files.writing import file_text, write_file
from apps_registry.management.base import TeachingCommand, apps_named


class Command(TeachingCommand):
    """Prints an App file, or writes it with its documents."""

    help = """\
Write an App as one readable YAML file: preamble, settings, models, tools, documents.

Secrets and keys are not in it; the secrets that its tools need are named. Short text
documents stand in the file; --output writes the others into a folder beside it. Without --output the file is
printed, and names the others by the SHA-256 of their content: it can be compared, but not bring them elsewhere.
"""
    examples = """\
examples:
  python manage.py export_app mycoindex
  python manage.py export_app mycoindex --output apps/mycoindex.yaml
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the App and the file."""
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write it here; replaces a file that is there")

    def handle(self, *_args: object, **options: Any) -> None:
        """Print or write."""
        (app,) = apps_named([options["app"]])
        if options["output"] is None:
            self.stdout.write(file_text(app), ending="")
            return
        try:
            written = write_file(app, options["output"])
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from None
        for path in written:
            self.stderr.write(f"Wrote {path}")
