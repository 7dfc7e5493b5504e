"""`manage.py canary_key`: makes a canary key, or lists them."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, first_message
from keys.canaries import make_canary
from keys.models import BY_COMMAND, CanaryKey


class Command(TeachingCommand):
    help = """\
Make a canary key: it looks like an App key, is never valid, and reports its use.

Plant it where only an intruder looks: on a wiki page, in an image, in an old backup. Its use is refused like that of
any bad key; it is logged as a warning, counted by the metric aomi_canary_key_uses_total, and recorded with the address.
"""
    examples = """\
examples:
  python manage.py canary_key mycoindex --label "wiki page on deployments"
  python manage.py canary_key --list --json | jq -r '.[] | select(.use_count > 0) | .label'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", metavar="SLUG", help="its readable part, such as an App's slug")
        parser.add_argument("--label", help="where you plant it")
        parser.add_argument("--list", action="store_true", help="list the canary keys and their uses instead")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        if options["list"]:
            self._list(as_json=options["json"])
        elif options["slug"] is None or options["label"] is None:
            raise CommandError("Give SLUG and --label to make a canary key, or --list.")
        else:
            self._make(options["slug"], options["label"], as_json=options["json"])

    def _make(self, slug: str, label: str, *, as_json: bool) -> None:
        try:
            canary, plain = make_canary(label=label, slug=slug)
        except ValidationError as error:
            raise CommandError(first_message(error)) from None
        if as_json:
            self.write_json({"key": plain, "prefix": canary.prefix, "label": canary.label})
        else:
            self.stdout.write(plain)
            self.stderr.write("Copy it now: it is not shown again.")

    def _list(self, *, as_json: bool) -> None:
        rows = [_row(canary) for canary in CanaryKey.objects.select_related("created_by")]
        if as_json:
            self.write_json(rows)
        elif rows:
            self.write_table([{name: str(value or "-") for name, value in row.items()} for row in rows])
        else:
            self.stdout.write('No canary keys. Make one with: python manage.py canary_key SLUG --label "WHERE"')


def _row(canary: CanaryKey) -> dict[str, Any]:
    return {
        "prefix": canary.prefix,
        "label": canary.label,
        "created_by": str(canary.created_by or BY_COMMAND),
        "created_at": canary.created_at.isoformat(timespec="seconds"),
        "use_count": canary.use_count,
        "last_used_at": canary.last_used_at and canary.last_used_at.isoformat(timespec="seconds"),
        "last_used_from": canary.last_used_from or None,
    }
