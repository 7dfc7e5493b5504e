"""Sums over the roll-up, for the command, the admin and key holders."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from apps_registry.values import OPERATORS_KEY_ID
from keys.models import NO_KEY
from keys.usage.histograms import BUCKETS, percentile_ms

OPERATORS = "operators"  # instead of a key's label, for the usage of operators in the playground
# Names of deleted Apps and keys come from the roll-up itself.
APP_LABEL = "COALESCE(max(app.slug), max(usage.app_slug))"
KEY_LABEL = "COALESCE(max(key.label), max(usage.app_key_label))"
# What usage can be grouped by, with the columns of each.
# A week and a month are named by their first day; only today and yesterday have hours.
GROUPS = {
    "month": ("date_trunc('month', usage.day)::date",),
    "week": ("date_trunc('week', usage.day)::date",),
    "day": ("usage.day",),
    "hour": ("usage.day", "usage.hour"),
    "app": ("usage.app_id", APP_LABEL),
    "key": ("usage.app_key_id", KEY_LABEL),
    "model": ("usage.model",),
    "kind": ("usage.kind",),
}
SUMS = (
    *("turns", "errors", "interruptions", "tool_rounds", "prompt_tokens", "completion_tokens", "unreported_tokens"),
    *("unpriced_tokens", "cost", "latency_ms_sum"),
)
_HISTOGRAMS = ("latency_counts", "first_token_counts")
COUNTS = tuple(
    f"ARRAY[{', '.join(f'sum(usage.{name}[{bucket + 1}])::bigint' for bucket in range(BUCKETS))}]"
    for name in _HISTOGRAMS
)
BY_KEY = "keys_usage usage"
# Most rows are for folded hours and days, for which there are sums of all keys.
_ALL_COLUMNS = ", ".join(["day", "hour", "app_id", "model", "kind", "app_slug", *SUMS, *_HISTOGRAMS])
ALL_KEYS = f"""(
    SELECT {_ALL_COLUMNS} FROM keys_usagetotal
    UNION ALL SELECT {_ALL_COLUMNS} FROM keys_usage WHERE slot >= 0
) usage"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which usage is summed; an empty collection or None: all of it.

    Attributes:
        key_ids: NO_KEY for callers without a key, OPERATORS_KEY_ID for operators in the playground.
        since, until: the first and the last day (UTC).
        since_hour: the first hour of the first day, today or yesterday; None: the whole day.
    """

    app_ids: Collection[int] = ()
    key_ids: Collection[int] = ()
    models: Collection[str] = ()
    since: date | None = None
    until: date | None = None
    since_hour: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """The usage of one group; the attributes by which it is not grouped are None.

    Attributes:
        month, week: their first days.
        turns: turns that have ended or wait for their user; titles and summaries are counted with their own kind.
        unreported_tokens: what limits count for rounds without counts from the provider.
        cost: the cost of all tokens that have a price.
        unpriced_tokens: tokens that are missing in `cost`.
        latency_counts, first_token_counts: the histograms; empty if they were not asked for.
        names: the attributes by which it is grouped.
    """

    month: date | None = None
    week: date | None = None
    day: date | None = None
    hour: int | None = None
    app_id: int | None = None
    app: str | None = None
    key_id: int | None = None
    key: str | None = None
    model: str | None = None
    kind: str | None = None
    turns: int = 0
    errors: int = 0
    interruptions: int = 0
    tool_rounds: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unreported_tokens: int = 0
    unpriced_tokens: int = 0
    cost: Decimal = Decimal(0)
    latency_counts: Sequence[int] = field(default=(), repr=False)
    first_token_counts: Sequence[int] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)

    @property
    def latency_p50_ms(self) -> int | None:
        """The latency that half of the turns did not exceed; None if no time was measured."""
        return percentile_ms(self.latency_counts, 50)

    @property
    def latency_p95_ms(self) -> int | None:
        """The same for 95 % of them."""
        return percentile_ms(self.latency_counts, 95)

    @property
    def first_token_p50_ms(self) -> int | None:
        """The time to the first token that half of the turns did not exceed; None if no time was measured."""
        return percentile_ms(self.first_token_counts, 50)

    @property
    def first_token_p95_ms(self) -> int | None:
        """The same for 95 % of them."""
        return percentile_ms(self.first_token_counts, 95)

    @property
    def lacks_money(self) -> bool:
        """Whether `cost` is less than was spent, because a model had no price."""
        return self.unpriced_tokens > 0

    @property
    def tokens(self) -> int:
        """The tokens that providers have counted."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def error_rate(self) -> float | None:
        """The share of turns that failed; None without turns."""
        return self.errors / self.turns if self.turns else None


def summed(by: Sequence[str] = (), where: Filter | None = None, *, with_times: bool = True) -> list[UsageRow]:
    """Return the usage, one row per group, ordered by group; without groups one row, or none if there is no usage.

    Args:
        by: names of GROUPS.
        where: what to sum.
        with_times: whether to compute the percentiles, which takes most of the time; otherwise they are None.
    """
    where = where or Filter()
    columns = [column for name in by for column in GROUPS[name]]
    conditions, parameters = conditions_of(where)
    grouping = ", ".join(column for name in by for column in GROUPS[name] if column not in {APP_LABEL, KEY_LABEL})
    counts = COUNTS if with_times else ("NULL", "NULL")
    statement = f"""
SELECT {", ".join([*columns, *(f"sum(usage.{name})" for name in SUMS), *counts])}
FROM {source_of("key" in by, where)}
{"LEFT JOIN apps_registry_app app ON app.id = usage.app_id" if "app" in by else ""}
{"LEFT JOIN keys_appkey key ON key.id = usage.app_key_id" if "key" in by else ""}
WHERE {" AND ".join(conditions)}
{f"GROUP BY {grouping} ORDER BY {grouping}" if grouping else "HAVING count(*) > 0"}
"""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row_of([name for group in by for name in NAMES[group]], values) for values in cursor.fetchall()]


def source_of(has_keys: bool, where: Filter) -> str:
    """Return the SQL source of the rows to sum: rows by key only if the keys matter.

    Args:
        has_keys: whether usage is grouped by key.
        where: which usage counts.
    """
    return BY_KEY if has_keys or where.key_ids else ALL_KEYS


def conditions_of(where: Filter) -> tuple[list[str], list[Any]]:
    """Return the conditions of a filter, and their parameters."""
    choices: dict[str, list[Any]] = {
        "usage.app_id = ANY(%s)": [list(where.app_ids) or None],
        "usage.app_key_id = ANY(%s)": [list(where.key_ids) or None],
        "usage.model = ANY(%s)": [list(where.models) or None],
        "usage.day >= %s": [where.since],
        "usage.day <= %s": [where.until],
        # Hours of a day that is over are unknown (WHOLE_DAY), so it is not in the last hours.
        "(usage.day, usage.hour) >= (%s, %s)": [where.since, where.since_hour],
    }
    chosen = {condition: values for condition, values in choices.items() if None not in values}
    return ["true", *chosen], [value for values in chosen.values() for value in values]


def row_of(names: Sequence[str], values: Sequence[Any]) -> UsageRow:
    """Convert a row of the database.

    Args:
        names: the attributes by which it is grouped.
        values: those of the attributes, then SUMS and COUNTS.
    """
    fields: dict[str, Any] = dict(zip([*names, *SUMS, *_HISTOGRAMS], values, strict=True))
    fields.pop("latency_ms_sum")
    if "key_id" in fields and fields["key_id"] in _NAMES_WITHOUT_KEY:
        fields["key"] = _NAMES_WITHOUT_KEY[fields["key_id"]]
    whole = {name: int(fields[name]) for name in SUMS if name in fields and name != "cost"}
    times = {name: fields[name] or () for name in _HISTOGRAMS}
    return UsageRow(**{**fields, **whole, **times}, names=tuple(names))


def merged(rows: Iterable[UsageRow]) -> UsageRow:
    """Return the sum of rows."""
    rows = list(rows)
    whole: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in SUMS if name != "latency_ms_sum"}
    times: dict[str, Any] = {
        name: [sum(counts) for counts in zip(*filter(None, (getattr(row, name) for row in rows)), strict=True)]
        for name in _HISTOGRAMS
    }
    return UsageRow(**{**whole, "cost": Decimal(whole["cost"])}, **times)


_NAMES_WITHOUT_KEY = {NO_KEY: "", OPERATORS_KEY_ID: OPERATORS}
NAMES = {
    "month": ("month",),
    "week": ("week",),
    "day": ("day",),
    "hour": ("day", "hour"),
    "app": ("app_id", "app"),
    "key": ("key_id", "key"),
    "model": ("model",),
    "kind": ("kind",),
}
