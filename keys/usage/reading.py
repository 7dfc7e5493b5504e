"""Sums over the roll-up: what the command, the admin and the holders of keys see."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from apps_registry.values import OPERATORS_KEY_ID
from keys.models import NO_KEY
from keys.usage.histograms import BUCKETS, percentile_ms

OPERATORS = "operators"  # stands in the place of a key's label for what operators use in the playground
# What usage can be grouped by -> its columns. Names of deleted Apps and keys come from the roll-up itself.
GROUPS = {
    "day": ("usage.day",),
    "app": ("usage.app_id", "COALESCE(max(app.slug), max(usage.app_slug))"),
    "key": ("usage.app_key_id", "COALESCE(max(key.label), max(usage.app_key_label))"),
    "model": ("usage.model",),
    "kind": ("usage.kind",),
}
_SUMS = (
    *("turns", "errors", "interruptions", "tool_rounds", "prompt_tokens", "completion_tokens", "unreported_tokens"),
    *("unpriced_tokens", "cost", "latency_ms_sum"),
)
_COUNTS = tuple(
    f"ARRAY[{', '.join(f'sum(usage.{name}[{bucket + 1}])::bigint' for bucket in range(BUCKETS))}]"
    for name in ("latency_counts", "first_token_counts")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which usage is summed; an empty collection or None: all of it.

    Attributes:
        key_ids: NO_KEY for callers without a key, OPERATORS_KEY_ID for operators in the playground.
        since, until: the first and the last day, of UTC.
    """

    app_ids: Collection[int] = ()
    key_ids: Collection[int] = ()
    models: Collection[str] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """The usage of one group; the attributes by which it is not grouped are None.

    Attributes:
        turns: turns that have ended or wait for their user; titles and summaries are counted with their own kind.
        unreported_tokens: what limits count for rounds without counts from the provider.
        cost: of everything that has a price.
        unpriced_tokens: tokens that are missing in `cost`.
        latency_p50_ms, latency_p95_ms, first_token_p50_ms, first_token_p95_ms: None if no time was measured.
    """

    day: date | None = None
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


def summed(by: Sequence[str] = (), where: Filter | None = None) -> list[UsageRow]:
    """Return the usage, one row a group, ordered by the groups; without groups one row, or none if there is no usage.

    Args:
        by: names of GROUPS.
        where: what to sum.
    """
    columns = [column for name in by for column in GROUPS[name]]
    conditions, parameters = _conditions(where or Filter())
    grouping = ", ".join(GROUPS[name][0] for name in by)
    statement = f"""
SELECT {", ".join([*columns, *(f"sum(usage.{name})" for name in _SUMS), *_COUNTS])}
FROM keys_usage usage
LEFT JOIN apps_registry_app app ON app.id = usage.app_id
LEFT JOIN keys_appkey key ON key.id = usage.app_key_id
WHERE {" AND ".join(conditions)}
{f"GROUP BY {grouping} ORDER BY {grouping}" if grouping else "HAVING count(*) > 0"}
"""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [_row(by, values) for values in cursor.fetchall()]


def _conditions(where: Filter) -> tuple[list[str], list[Any]]:
    choices = {
        "usage.app_id = ANY(%s)": list(where.app_ids) or None,
        "usage.app_key_id = ANY(%s)": list(where.key_ids) or None,
        "usage.model = ANY(%s)": list(where.models) or None,
        "usage.day >= %s": where.since,
        "usage.day <= %s": where.until,
    }
    chosen = {condition: value for condition, value in choices.items() if value is not None}
    return ["true", *chosen], list(chosen.values())


def _row(by: Iterable[str], values: Sequence[Any]) -> UsageRow:
    names = [name for group in by for name in _NAMES[group]]
    fields: dict[str, Any] = dict(zip([*names, *_SUMS, "latency", "first_token"], values, strict=True))
    latency, first_token = fields.pop("latency"), fields.pop("first_token")
    fields.pop("latency_ms_sum")
    if "key_id" in fields and fields["key_id"] in _NAMES_WITHOUT_KEY:
        fields["key"] = _NAMES_WITHOUT_KEY[fields["key_id"]]
    values_by_name: dict[str, Any] = {
        name: int(value) if name in _SUMS and name != "cost" else value for name, value in fields.items()
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
_NAMES = {"day": ("day",), "app": ("app_id", "app"), "key": ("key_id", "key"), "model": ("model",), "kind": ("kind",)}
