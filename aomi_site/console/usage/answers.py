"""What the page of usage reads: four sums over the roll-up, however many turns there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from aomi_site.console.usage.questions import Question, Span
from apps_registry.admin.charts import MAX_SERIES, Label, day_label
from keys.usage.reading import Filter, UsageRow, summed

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
        groups: by what was asked, most turns first, or the last day first.
        labels: of the steps of time.
        steps: the usage of each step; also of those without any.
        stacks: the largest groups and all others together, by step; empty if days are the groups.
    """

    total: UsageRow
    groups: Sequence[UsageRow]
    labels: Sequence[Label]
    steps: Sequence[UsageRow]
    stacks: Sequence[Stack]


def answer(question: Question) -> Answer:
    """Return what was used."""
    total = next(iter(summed((), question.where)), UsageRow())
    groups = _groups(question)
    starts = list(_starts(question.span))
    steps = _filled(starts, question.span.step, summed([question.span.step], question.where))
    stacks = _stacks(question, groups, starts, steps) if question.by in IDS else []
    return Answer(total, groups, [_label(question.span.step, *start) for start in starts], steps, stacks)


def _groups(question: Question) -> list[UsageRow]:
    rows = summed([question.by], question.where)
    if question.by == "day":
        return rows[::-1]
    return sorted(rows, key=lambda row: (-row.turns, -row.tokens))


def name_of(row: UsageRow, by: str) -> str:
    """Return a group's name as the page shows it."""
    if by == "day":
        return str(row.day)
    if by == "key":
        return row.key or ("no key" if not row.key_id else f"no. {row.key_id}")
    return (row.app if by == "app" else row.model) or "(deleted)"


def _stacks(
    question: Question, groups: Sequence[UsageRow], starts: Sequence[tuple[date, int]], steps: Sequence[UsageRow]
) -> list[Stack]:
    shown = groups[: MAX_SERIES if len(groups) <= MAX_SERIES else MAX_SERIES - 1]
    if not shown:
        return []
    step, attribute = question.span.step, IDS[question.by]
    rows = summed([step, question.by], _only(question, [getattr(row, attribute) for row in shown]))
    stacks = [
        Stack(
            name_of(group, question.by),
            _filled(starts, step, [row for row in rows if getattr(row, attribute) == getattr(group, attribute)]),
        )
        for group in shown
    ]
    if len(groups) > len(shown):
        others = f"{len(groups) - len(shown):,} others"
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
