"""`manage.py usage`: what Apps, keys and models have used."""

import csv
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.values import OPERATORS_KEY_ID
from keys.models import NO_KEY, AppKey, Usage
from keys.usage.reading import GROUPS, OPERATORS, Filter, UsageRow, summed

WITHOUT_KEY = "none"
WITHOUT_KEYS = {WITHOUT_KEY: NO_KEY, OPERATORS: OPERATORS_KEY_ID}
DEFAULT_DAYS = 30
ID_DIGITS = 18  # more do not fit into a bigint
# A cell that begins with one of these is a formula for spreadsheets.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Command(TeachingCommand):
    help = """\
Show the usage: turns, tokens, money, errors and times, of all models together unless grouped.

Days are those of UTC; a turn belongs to the day on which it started. The last 30 days unless told otherwise. Usage is
kept when sessions, turns, keys and Apps are deleted. Titles and summaries are included. Tokens of models without a
price are counted, and named wherever a sum of money lacks them.
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
        by = f"one row for each {', '.join(GROUPS)}; may be repeated"
        parser.add_argument("--by", action="append", choices=list(GROUPS), default=[], help=by)
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
            app_ids=_app_ids(options["app"]),
            key_ids=[id_ for named in options["key"] for id_ in _key_ids(named)],
            models=options["model"],
            since=since,
            until=until,
        )
        rows = summed(list(dict.fromkeys(options["by"])), where)
        if options["json"]:
            self.write_json([_plain(row) for row in rows])
        elif options["csv"]:
            self._write_csv(rows, options["by"])
        else:
            self._write_text(rows, since, until)

    def _write_csv(self, rows: Sequence[UsageRow], by: Sequence[str]) -> None:
        table = [_plain(row) for row in rows]
        names = list(table[0]) if table else [*by, *(name for name in _plain(UsageRow()))]
        writer = csv.DictWriter(self.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _safe(value) for name, value in row.items()} for row in table)

    def _write_text(self, rows: Sequence[UsageRow], since: date, until: date) -> None:
        if not rows:
            self.stdout.write(f"No usage from {since} to {until} (UTC).")
            return
        self.write_table([_cells(row) for row in rows])
        if unpriced := sum(row.unpriced_tokens for row in rows):
            self.stdout.write(
                f"* The cost lacks {unpriced:,} tokens of models without a price, and is more than is shown."
            )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-11-01") from None


def _app_ids(slugs: Sequence[str]) -> list[int]:
    """Return the ids of Apps; those of deleted Apps come from their usage."""
    deleted = Usage.objects.filter(app_slug__in=slugs).values_list("app_slug", "app_id").distinct()
    known = {slug for slug, _ in deleted}
    return [*(id_ for _, id_ in deleted), *(app.pk for app in apps_named([s for s in slugs if s not in known]))]


def _key_ids(named: str) -> list[int]:
    """Return the ids of the keys with this label, beginning or id.

    Raises:
        CommandError: there is none.
    """
    if named in WITHOUT_KEYS:
        return [WITHOUT_KEYS[named]]
    if not named:
        raise CommandError("--key is empty.")
    matches = Q(label=named) | Q(prefix=named)
    if named.isascii() and named.isdecimal() and len(named) <= ID_DIGITS:
        matches |= Q(pk=int(named))
    ids = [*AppKey.objects.filter(matches).values_list("pk", flat=True)]
    ids += Usage.objects.filter(app_key_label=named).values_list("app_key_id", flat=True).distinct()
    if not ids:
        raise CommandError(f"There is no key {named!r}; manage.py list_keys shows them.")
    return list(dict.fromkeys(ids))


def _plain(row: UsageRow) -> dict[str, Any]:
    """Return a row for scripts; `cost_is_complete` says whether every token had a price."""
    values = asdict(row)
    names = values.pop("names")
    grouped = {name: values[name] for name in names}
    sums = {name: value for name, value in values.items() if name not in _GROUP_FIELDS}
    return {**grouped, **sums, "cost": f"{row.cost.normalize():f}", "cost_is_complete": not row.lacks_money}


_GROUP_FIELDS = frozenset({"day", "app_id", "app", "key_id", "key", "model", "kind"})


def _safe(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


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
    return "-" if milliseconds is None else f"{milliseconds:,}"
