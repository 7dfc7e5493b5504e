"""Sums over the roll-up, for the command, the admin and key holders."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from apps_registry.values import OPERATORS_KEY_ID
from keys.models import NO_KEY
from keys.usage.histograms import BUCKETS, percentile_ms

OPERATORS = "operators"  # in the place of a key's label, for what operators use in the playground
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
COUNTS = tuple(
    f"ARRAY[{', '.join(f'sum(usage.{name}[{bucket + 1}])::bigint' for bucket in range(BUCKETS))}]"
    for name in ("latency_counts", "first_token_counts")
)


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
        latency_p50_ms, latency_p95_ms, first_token_p50_ms, first_token_p95_ms: None if no time was measured.
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
    latency_p50_ms: int | None = None
    latency_p95_ms: int | None = None
    first_token_p50_ms: int | None = None
    first_token_p95_ms: int | None = None
    names: tuple[str, ...] = field(default=(), repr=False)

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


def summed(by: Sequence[str] = (), where: Filter | None = None) -> list[UsageRow]:
    """Return the usage, one row per group, ordered by group; without groups one row, or none if there is no usage.

    Args:
        by: names of GROUPS.
        where: what to sum.
    """
    columns = [column for name in by for column in GROUPS[name]]
    conditions, parameters = _conditions(where or Filter())
    grouping = ", ".join(column for name in by for column in GROUPS[name] if column not in {APP_LABEL, KEY_LABEL})
    statement = f"""
SELECT {", ".join([*columns, *(f"sum(usage.{name})" for name in SUMS), *COUNTS])}
FROM keys_usage usage
LEFT JOIN apps_registry_app app ON app.id = usage.app_id
LEFT JOIN keys_appkey key ON key.id = usage.app_key_id
WHERE {" AND ".join(conditions)}
{f"GROUP BY {grouping} ORDER BY {grouping}" if grouping else "HAVING count(*) > 0"}
"""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row_of([name for group in by for name in NAMES[group]], values) for values in cursor.fetchall()]


def _conditions(where: Filter) -> tuple[list[str], list[Any]]:
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
    fields: dict[str, Any] = dict(zip([*names, *SUMS, "latency", "first_token"], values, strict=True))
    latency, first_token = fields.pop("latency"), fields.pop("first_token")
    fields.pop("latency_ms_sum")
    if "key_id" in fields and fields["key_id"] in _NAMES_WITHOUT_KEY:
        fields["key"] = _NAMES_WITHOUT_KEY[fields["key_id"]]
    values_by_name: dict[str, Any] = {
        name: int(value) if name in SUMS and name != "cost" else value for name, value in fields.items()
    }
    return UsageRow(
        **values_by_name,
        latency_p50_ms=percentile_ms(latency, 50),
        latency_p95_ms=percentile_ms(latency, 95),
        first_token_p50_ms=percentile_ms(first_token, 50),
        first_token_p95_ms=percentile_ms(first_token, 95),
        names=tuple(names),
    )


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
