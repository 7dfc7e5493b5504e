"""`manage.py usage`: what Apps, keys and models have used."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from keys.usage.naming import WITHOUT_KEY, app_ids, key_ids
from keys.usage.plain import plain, write_csv
from keys.usage.reading import GROUPS, OPERATORS, Filter, UsageRow, summed

DEFAULT_DAYS = 30
# Hours are stored for today and yesterday only; the console shows them.
CHOICES = [name for name in GROUPS if name != "hour"]


class Command(TeachingCommand):
    help = """\
Show the usage: turns, tokens, money, errors and times, of all models together unless grouped.

Days begin at midnight UTC; a turn belongs to the day on which it started. Without --from, the last 30 days are shown.
Usage is kept when sessions, turns, keys and Apps are deleted. Titles and summaries are included. Tokens of models
without a price are counted; a note says when a cost does not include them.
"""
    examples = """\
examples:
  python manage.py usage
  python manage.py usage --by key --app mycoindex --from 2026-11-01 --to 2026-11-30
  python manage.py usage --by day --by model --csv > usage.csv
  python manage.py usage --by day --key none
  python manage.py usage --json | jq '.[0].cost'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        by = f"one row for each {', '.join(CHOICES)}; may be repeated"
        parser.add_argument("--by", action="append", choices=CHOICES, default=[], help=by)
        parser.add_argument("--app", action="append", default=[], metavar="APP", help="only this App; may be repeated")
        key = f"only this key: its label, its beginning or its id; '{WITHOUT_KEY}' for callers without one"
        key += f", '{OPERATORS}' for the playground of the console"
        parser.add_argument("--key", action="append", default=[], metavar="KEY", help=key)
        parser.add_argument("--model", action="append", default=[], metavar="MODEL", help="only this model")
        since = f"the first day, such as 2026-11-01 (default: {DEFAULT_DAYS} days)"
        parser.add_argument("--from", dest="since", type=_day, metavar="DAY", help=since)
        parser.add_argument("--to", dest="until", type=_day, metavar="DAY", help="the last day (default: today)")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON for scripts instead of text")
        form.add_argument("--csv", action="store_true", help="print CSV for spreadsheets instead of text")

    def handle(self, *_args: object, **options: Any) -> None:
        until = options["until"] or datetime.now(UTC).date()
        since = options["since"] or until - timedelta(days=DEFAULT_DAYS - 1)
        if since > until:
            raise CommandError(f"--from {since} is after --to {until}.")
        where = Filter(
            app_ids=[id_ for slug in options["app"] for id_ in _app_ids(slug)],
            key_ids=[id_ for named in options["key"] for id_ in _key_ids(named)],
            models=options["model"],
            since=since,
            until=until,
        )
        by = list(dict.fromkeys(options["by"]))
        rows = summed(by, where)
        if options["json"]:
            self.write_json([plain(row) for row in rows])
        elif options["csv"]:
            write_csv(self.stdout, rows, by)
        else:
            self._write_text(rows, since, until)

    def _write_text(self, rows: Sequence[UsageRow], since: date, until: date) -> None:
        if not rows:
            self.stdout.write(f"No usage from {since} to {until} (UTC).")
            return
        self.write_table([_cells(row) for row in rows])
        if unpriced := sum(row.unpriced_tokens for row in rows):
            self.stdout.write(
                f"* The cost does not include {unpriced:,} tokens of models without a price; the total is higher."
            )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-11-01") from None


def _app_ids(slug: str) -> list[int]:
    """Return the ids of the Apps with this slug.

    Raises:
        CommandError: there is none.
    """
    return app_ids(slug) or [app.pk for app in apps_named([slug])]


def _key_ids(named: str) -> list[int]:
    """Return the ids of the keys with this label, beginning or id.

    Raises:
        CommandError: there is none.
    """
    if not named:
        raise CommandError("--key is empty.")
    if not (ids := key_ids(named)):
        raise CommandError(f"There is no key {named!r}; manage.py list_keys shows them.")
    return ids


def _cells(row: UsageRow) -> dict[str, str]:
    groups = {name: getattr(row, name) for name in row.names if not name.endswith("_id")}
    return {
        **{name: "(no key)" if (name, value) == ("key", "") else str(value) for name, value in groups.items()},
        "turns": f"{row.turns:,}",
        "errors": f"{row.errors:,}",
        "tokens in": f"{row.prompt_tokens:,}",
        "tokens out": f"{row.completion_tokens:,}",
        "cost": f"{row.cost.normalize():f}{'*' if row.lacks_money else ''}",
        "p50 ms": _ms(row.latency_p50_ms),
        "p95 ms": _ms(row.latency_p95_ms),
        "first token p50 ms": _ms(row.first_token_p50_ms),
    }


def _ms(milliseconds: int | None) -> str:
    return "none" if milliseconds is None else f"≈ {milliseconds:,}"
