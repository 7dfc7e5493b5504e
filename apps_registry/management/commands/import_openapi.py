"""`manage.py import_openapi`: makes tools of an App from the operations of an OpenAPI document."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.models import App
from apps_registry.openapi.document import DocumentError
from apps_registry.openapi.report import counts, operation_lines, plan_lines
from apps_registry.services.openapi_import import Import, apply, begin, fetch


class Command(TeachingCommand):
    """Previews the changes of an import, and applies them with --apply."""

    help = """\
Make tools from the operations of an OpenAPI document (3.0 or 3.1, JSON or YAML).

Without --apply it only prints the changes. Run it again with a newer document to see what was added, changed and
removed. Your own changes are kept, and shown as conflicts where the document changed the same field.
"""
    examples = """\
examples:
  python manage.py import_openapi mycoindex prices.yaml --list
  python manage.py import_openapi mycoindex prices.yaml --operation getPrice --operation listTokens
  python manage.py import_openapi mycoindex https://api.example.com/openapi.json --tag prices --prefix px_ --apply
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", metavar="APP", help="slug of the App that gets the tools")
        parser.add_argument("document", metavar="FILE_OR_URL", help="the OpenAPI document")
        parser.add_argument("--list", action="store_true", help="print the operations and stop")
        parser.add_argument("--operation", action="append", default=[], metavar="ID", help="import this operation")
        parser.add_argument("--tag", action="append", default=[], metavar="T", help="import the operations of this tag")
        parser.add_argument("--all", action="store_true", help="import every operation")
        parser.add_argument("--prefix", help="prefix of the names of new tools")
        parser.add_argument("--server", help="the address to call instead of the one in the document")
        parser.add_argument("--apply", action="store_true", help="apply the changes")

    def handle(self, *_args: object, **options: Any) -> None:
        importing = _begin(apps_named([options["app"]])[0], options)
        if options["list"]:
            self.stdout.write("\n".join(operation_lines(importing.operations, importing.known_keys())))
            return
        chosen = _chosen(importing, options)
        plan = importing.plan(chosen)
        for line in plan_lines(plan):
            self.stdout.write(line)
        if options["apply"] and plan.does_something:
            apply(importing, chosen, digest=plan.digest())
        if not plan.changes and not plan.refusals:
            raise CommandError(
                "No operation is selected: use --operation, --tag or --all; --list shows the operations."
            )
        hint = "" if options["apply"] else " (nothing is changed without --apply)"
        self.stderr.write(f"{importing.source.title}: {counts(plan)}{hint}")


def _begin(app: App, options: dict[str, Any]) -> Import:
    source = options["document"]
    try:
        if source.startswith(("http://", "https://")):
            content, url = fetch(app, source), source
        else:
            content, url = Path(source).read_bytes(), ""
        return begin(app, content, url=url, prefix=options["prefix"], server=options["server"])
    except DocumentError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{source} cannot be read: {error.strerror}.") from None


def _chosen(importing: Import, options: dict[str, Any]) -> set[str]:
    keys = {operation.key for operation in importing.operations}
    for key in options["operation"]:
        if key not in keys:
            raise CommandError(f"There is no operation {key!r} in the document; --list shows them.")
    tags = {tag for operation in importing.operations for tag in operation.tags}
    for tag in options["tag"]:
        if tag not in tags:
            raise CommandError(f"There is no tag {tag!r} in the document. Tags: {', '.join(sorted(tags)) or 'none'}.")
    if options["all"]:
        return keys
    by_tag = {operation.key for operation in importing.operations if set(operation.tags) & set(options["tag"])}
    return {*options["operation"], *by_tag}
