"""What the page of usage reads: five sums over the roll-up at most, however many turns there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from aomi_site.console.usage.questions import Question, Span
from apps_registry.admin.charts import MAX_SERIES, Label, day_label
from keys.usage.ranking import ranked
from keys.usage.reading import Filter, UsageRow, merged, summed

# The attributes that tell the groups apart, and the one that names them.
IDS = {"app": "app_id", "key": "key_id", "model": "model"}
HOURS = 24


@dataclass(frozen=True, slots=True)
class Stack:
    """A group's part of each bar."""

    name: str
    rows: Sequence[UsageRow]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was used.

    Attributes:
        total: of everything.
        groups: by what was asked, as many as asked, in the order that was asked.
        more: how many more groups there are.
        labels: of the steps of time.
        steps: the usage of each step; also of those without any.
        stacks: the largest groups and all others together, by step; empty if days are the groups.
    """

    total: UsageRow
    groups: Sequence[UsageRow]
    more: int
    labels: Sequence[Label]
    steps: Sequence[UsageRow]
    stacks: Sequence[Stack]


def answer(question: Question) -> Answer:
    """Return what was used."""
    step, starts = question.span.step, list(_starts(question.span))
    used = summed([step], question.where)
    steps = _filled(starts, step, used)
    groups, more = _days(question, used) if question.by == "day" else _largest(question)
    stacks = _stacks(question, groups, len(groups) + more, starts, steps) if question.by in IDS else []
    labels = [_label(step, *start) for start in starts]
    return Answer(merged(used), groups, more, labels, steps, stacks)


def all_groups(question: Question) -> list[UsageRow]:
    """Return all groups in the order that was asked, the last day first unless days are sorted by a number."""
    return _ordered(question, summed([question.by], question.where))


def _days(question: Question, steps: Sequence[UsageRow]) -> tuple[Sequence[UsageRow], int]:
    """Return the days to show, and how many more there are; the steps of time may be the days."""
    days = list(steps) if question.span.step == "day" else summed(["day"], question.where)
    days = _ordered(question, days)
    return days[: question.rows], len(days[question.rows :])


def _largest(question: Question) -> tuple[Sequence[UsageRow], int]:
    """Return the groups to show, and how many more there are."""
    ids, count = ranked(question.by, question.where, number=question.sort or "turns", most=question.rows)
    if not ids:
        return [], 0
    known = {getattr(row, IDS[question.by]): row for row in summed([question.by], _only(question, ids))}
    groups = [known[one] for one in ids if one in known]
    return groups, count - len(groups)


def _ordered(question: Question, rows: list[UsageRow]) -> list[UsageRow]:
    if question.by == "day":
        rows.reverse()
    if question.by != "day" or question.sort:
        rows.sort(key=lambda row: getattr(row, question.sort or "turns") or 0, reverse=True)
    return rows


def name_of(row: UsageRow, by: str) -> str:
    """Return a group's name as the page shows it."""
    if by == "day":
        return str(row.day)
    if by == "key":
        return row.key or ("no key" if not row.key_id else f"no. {row.key_id}")
    return (row.app if by == "app" else row.model) or "(deleted)"


def _stacks(
    question: Question,
    groups: Sequence[UsageRow],
    count: int,
    starts: Sequence[tuple[date, int]],
    steps: Sequence[UsageRow],
) -> list[Stack]:
    """Return the parts of the bars.

    Args:
        question: what was asked.
        groups: the groups that are shown, the largest one first.
        count: how many there are.
        starts: where each bar begins.
        steps: the whole bars.
    """
    shown = groups[: MAX_SERIES if count <= MAX_SERIES else MAX_SERIES - 1]
    if not shown:
        return []
    step, attribute = question.span.step, IDS[question.by]
    only = _only(question, [getattr(row, attribute) for row in shown])
    rows = summed([step, question.by], only, with_times=False)
    stacks = [
        Stack(
            name_of(group, question.by),
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


def _only(question: Question, ids: list[Any]) -> Filter:
    if question.by == "model":
        return replace(question.where, models=ids)
    return replace(question.where, app_ids=ids) if question.by == "app" else replace(question.where, key_ids=ids)


def _rest(whole: UsageRow, parts: Sequence[UsageRow]) -> UsageRow:
    """Return what is left of the sums that bars show."""
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
    """Return a row for each step, also for those without usage."""
    known = {(getattr(row, "day" if step == "hour" else step), row.hour or 0): row for row in rows}
    return [known.get(start) or UsageRow() for start in starts]


def _label(step: str, day: date, hour: int) -> Label:
    if step == "hour":
        return Label(f"{day} {hour:02}:00", f"{hour:02}:00")
    if step == "week":
        return Label(f"week of {day}", day_label(day).short)
    return Label(f"{day:%B %Y}", f"{day:%b %y}") if step == "month" else day_label(day)
