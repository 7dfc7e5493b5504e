"""Reads the numbers of the usage page: at most five queries of the roll-up, regardless of the number of turns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from aomi_site.console.usage.usage_query import Span, UsageQuery
from apps_registry.admin.charts import MAX_SERIES, Label, day_label
from keys.models import AppKey
from keys.usage.ranking import ranked
from keys.usage.reading import Filter, UsageRow, merged, summed

# The attribute that identifies the groups of each kind.
IDS = {"app": "app_id", "key": "key_id", "model": "model"}
HOURS = 24


@dataclass(frozen=True, slots=True)
class Stack:
    """A group's part of each bar."""

    name: str
    rows: Sequence[UsageRow]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What was used.

    Attributes:
        total: the sum of everything.
        groups: the groups, in the order of the query and up to its number of rows.
        more: how many more groups there are.
        labels: the labels of the time steps.
        steps: the usage of each time step, including steps without usage.
        stacks: the largest groups, and all others together, by step; empty if the groups are days.
    """

    total: UsageRow
    groups: Sequence[UsageRow]
    more: int
    labels: Sequence[Label]
    steps: Sequence[UsageRow]
    stacks: Sequence[Stack]


def make_report(usage_query: UsageQuery) -> UsageReport:
    """Return what was used."""
    step, starts = usage_query.span.step, list(_starts(usage_query.span))
    used = summed([step], usage_query.where)
    steps = _filled(starts, step, used)
    groups, more = _days(usage_query, used) if usage_query.by == "day" else _largest(usage_query)
    groups = _with_distinct_names(groups) if usage_query.by == "key" else groups
    stacks = _stacks(usage_query, groups, len(groups) + more, starts, steps) if usage_query.by in IDS else []
    labels = [_label(step, *start) for start in starts]
    return UsageReport(merged(used), groups, more, labels, steps, stacks)


def all_groups(usage_query: UsageQuery) -> list[UsageRow]:
    """Return all groups in the order of the query; days are newest first unless they are sorted by a number."""
    return _ordered(usage_query, summed([usage_query.by], usage_query.where))


def _days(usage_query: UsageQuery, steps: Sequence[UsageRow]) -> tuple[Sequence[UsageRow], int]:
    """Return the days to show, and how many more there are; the time steps may already be days."""
    days = list(steps) if usage_query.span.step == "day" else summed(["day"], usage_query.where)
    days = _ordered(usage_query, days)
    return days[: usage_query.rows], len(days[usage_query.rows :])


def _largest(usage_query: UsageQuery) -> tuple[Sequence[UsageRow], int]:
    """Return the groups to show, and how many more there are."""
    ids, count = ranked(usage_query.by, usage_query.where, number=usage_query.sort or "turns", most=usage_query.rows)
    if not ids:
        return [], 0
    known = {getattr(row, IDS[usage_query.by]): row for row in summed([usage_query.by], _only(usage_query, ids))}
    groups = [known[one] for one in ids if one in known]
    return groups, count - len(groups)


def _ordered(usage_query: UsageQuery, rows: list[UsageRow]) -> list[UsageRow]:
    if usage_query.by == "day":
        rows.reverse()
    if usage_query.by != "day" or usage_query.sort:
        rows.sort(key=lambda row: getattr(row, usage_query.sort or "turns") or 0, reverse=True)
    return rows


def _with_distinct_names(groups: Sequence[UsageRow]) -> list[UsageRow]:
    """Return groups by key with names that distinguish keys with the same label."""
    names = AppKey.objects.filter(pk__in=[row.key_id for row in groups]).names()
    return [replace(row, key=names.get(row.key_id or 0, row.key)) for row in groups]


def name_of(row: UsageRow, by: str) -> str:
    """Return a group's name as the page shows it."""
    if by == "day":
        return str(row.day)
    if by == "key":
        return row.key or ("no key" if not row.key_id else f"no. {row.key_id}")
    return (row.app if by == "app" else row.model) or "(deleted)"


def _stacks(
    usage_query: UsageQuery,
    groups: Sequence[UsageRow],
    count: int,
    starts: Sequence[tuple[date, int]],
    steps: Sequence[UsageRow],
) -> list[Stack]:
    """Return the parts of the bars.

    Args:
        usage_query: the query.
        groups: the groups to show, the largest one first.
        count: the number of all groups.
        starts: the day and the hour at which each bar begins.
        steps: the usage of each whole bar.
    """
    shown = groups[: MAX_SERIES if count <= MAX_SERIES else MAX_SERIES - 1]
    if not shown:
        return []
    step, attribute = usage_query.span.step, IDS[usage_query.by]
    only = _only(usage_query, [getattr(row, attribute) for row in shown])
    rows = summed([step, usage_query.by], only, with_times=False)
    stacks = [
        Stack(
            name_of(group, usage_query.by),
            _filled(starts, step, [row for row in rows if getattr(row, attribute) == getattr(group, attribute)]),
        )
        for group in shown
    ]
    if count > len(shown):
        others = f"{count - len(shown):,} others"
        stacks.append(Stack(others, [_rest(row, parts) for row, *parts in zip(steps, *_rows(stacks), strict=True)]))
    return stacks


def _rows(stacks: Sequence[Stack]) -> list[Sequence[UsageRow]]:
    return [stack.rows for stack in stacks]


def _only(usage_query: UsageQuery, ids: list[Any]) -> Filter:
    if usage_query.by == "model":
        return replace(usage_query.where, models=ids)
    return (
        replace(usage_query.where, app_ids=ids) if usage_query.by == "app" else replace(usage_query.where, key_ids=ids)
    )


def _rest(whole: UsageRow, parts: Sequence[UsageRow]) -> UsageRow:
    """Return the whole minus the parts, for the numbers that bars show."""
    turns, cost = sum(part.turns for part in parts), sum(part.cost for part in parts)
    return UsageRow(turns=whole.turns - turns, cost=whole.cost - cost)


def _starts(span: Span) -> Iterator[tuple[date, int]]:
    """Yield the day and the hour at which each step begins."""
    if span.since_hour is not None:
        for number in range(span.since_hour, span.since_hour + HOURS):
            yield span.since + timedelta(days=number // HOURS), number % HOURS
        return
    day = _start(span.step, span.since)
    while day <= span.until:
        yield day, 0
        day = _start(span.step, day + timedelta(days={"day": 1, "week": 7, "month": 31}[span.step]))


def _start(step: str, day: date) -> date:
    """Return the first day of the week or the month of a day, as PostgreSQL's date_trunc does."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _filled(starts: Sequence[tuple[date, int]], step: str, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """Return a row for each step, including steps without usage."""
    known = {(getattr(row, "day" if step == "hour" else step), row.hour or 0): row for row in rows}
    return [known.get(start) or UsageRow() for start in starts]


def _label(step: str, day: date, hour: int) -> Label:
    if step == "hour":
        return Label(f"{day} {hour:02}:00", f"{hour:02}:00")
    if step == "week":
        return Label(f"week of {day}", day_label(day).short)
    return Label(f"{day:%B %Y}", f"{day:%b %y}") if step == "month" else day_label(day)
