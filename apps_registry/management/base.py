"""Shared parts of the management commands: help with examples, and output as text or JSON."""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps_registry.models import App


class TeachingCommand(BaseCommand):
    """A command whose --help keeps its line breaks and ends with examples."""

    examples = ""
    requires_system_checks = ()  # the tables may not exist yet

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the line breaks of help and examples."""
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        kwargs.setdefault("epilog", self.examples)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_json_argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON for scripts instead of text")

    def write_json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, indent=2, default=str))

    def write_table(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Print rows as columns with the keys of the first row as headings."""
        names = list(rows[0])
        widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
        for row in [{name: name.upper() for name in names}, *rows]:
            self.stdout.write("  ".join(row[name].ljust(widths[name]) for name in names).rstrip())


def apps_named(slugs: Sequence[str]) -> list[App]:
    """Return the Apps with these slugs, in the same order.

    Raises:
        CommandError: an App does not exist; the message lists the existing ones.
    """
    apps_by_slug = {app.slug: app for app in App.objects.filter(slug__in=slugs)}
    missing = [slug for slug in slugs if slug not in apps_by_slug]
    if missing:
        known = ", ".join(App.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no App {missing[0]!r}. Apps: {known}.")
    return [apps_by_slug[slug] for slug in dict.fromkeys(slugs)]


def first_message(error: ValidationError) -> str:
    """Return the first message of a validation error."""
    return str(error.messages[0])
