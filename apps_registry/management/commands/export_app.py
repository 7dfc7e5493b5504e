"""`manage.py export_app`: exports an App as a YAML file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError

from apps_registry.app_files.derived import json_schema
from apps_registry.app_files.writing import file_text, write_file
from apps_registry.management.base import TeachingCommand, apps_named


class Command(TeachingCommand):
    """Prints an App file or its JSON Schema, or writes the file with its documents."""

    help = """\
Write an App as one readable YAML file: preamble, settings, models, tools, documents.

The file has no secrets and no keys, but the names of the secrets that the tools need. It contains short text
documents; --output writes longer ones into a folder next to the file. Without --output the file is printed, with only
the SHA-256 of longer documents: you can compare it, but not import these documents from it.

--schema prints the JSON Schema of App files instead. Editors complete and check a file that refers to it in its first
line.
"""
    examples = """\
examples:
  python manage.py export_app mycoindex
  python manage.py export_app mycoindex --output apps/mycoindex.yaml
  python manage.py export_app --schema > apps/app-file.schema.json
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("app", nargs="?", metavar="APP", help="slug of the App")
        choice.add_argument("--schema", action="store_true", help="print the JSON Schema of App files")
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="write the file here; replaces an existing file"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        if options["schema"]:
            self.stdout.write(orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2).decode())
            return
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
