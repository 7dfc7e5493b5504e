"""Compares today's usage with that of a week ago until the same time, from the hours of the roll-up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from aomi_site.console.tiles import Tile
from apps_registry.admin.charts import sparkline
from apps_registry.admin.figures import COUNT, MONEY, SHARE, TIME, Unit
from keys.usage.hours import by_hour
from keys.usage.reading import UsageRow, merged

WEEK = timedelta(days=7)
HOURS_OF_A_DAY = 24
# If failed turns reach both of these, they need attention.
MANY_ERRORS, HIGH_ERROR_RATE = 3, 0.05


@dataclass(frozen=True, slots=True)
class Today:
    """The usage since midnight UTC.

    Attributes:
        hours: each hour of today, including the current one.
        total: their sum.
        whole_hours: the sum of the same hours a week ago, without the current one.
        this_hour: the current hour, a week ago.
        elapsed: the share of the current hour that is over, from 0 to 1.
    """

    hours: Sequence[UsageRow]
    total: UsageRow
    whole_hours: UsageRow
    this_hour: UsageRow
    elapsed: float

    @property
    def week_ago(self) -> UsageRow:
        """The usage of a week ago until the end of the current hour."""
        return merged([self.whole_hours, self.this_hour])

    def then(self, number: Callable[[UsageRow], Any]) -> float:
        """Return a sum of a week ago until the same time; the current hour counts by its elapsed share."""
        return float(number(self.whole_hours)) + float(number(self.this_hour)) * self.elapsed


def read_today(now: datetime) -> Today:
    """Return the usage of today and of a week ago, in one query."""
    now = now.astimezone(UTC)
    today, then = now.date(), (now - WEEK).date()
    known = {(row.day, row.hour): row for row in by_hour(today, then)}
    hours = [known.get((today, hour)) or UsageRow() for hour in range(now.hour + 1)]
    before = [known[then, hour] for hour in range(now.hour) if (then, hour) in known]
    elapsed = (now.minute * 60 + now.second) / 3600
    return Today(hours, merged(hours), merged(before), known.get((then, now.hour)) or UsageRow(), elapsed)


def tiles(today: Today | None, *, running: int | None, may_see_turns: bool) -> Iterator[Tile]:
    """Yield the tiles of the page.

    Args:
        today: the usage; None if the operator may not see it.
        running: how many turns are running; None if the operator may not see sessions.
        may_see_turns: whether numbers link to the list of turns.
    """
    if running is not None:
        sessions = f"{reverse('admin:sessions_app_chatsession_changelist')}?status__exact=processing"
        yield Tile("Running turns", COUNT.short(running), "now", url=sessions)
    if today is None:
        return
    page = f"{reverse('console_usage')}?range=24h"
    turns = f"{reverse('admin:sessions_app_turn_changelist')}?started_at__gte={{}}" if may_see_turns else ""
    failed = f"{turns.format(_midnight())}&status__exact=failed" if turns else ""
    yield _sum("Turns", today, COUNT, lambda row: row.turns, turns.format(_midnight()) if turns else page)
    yield _sum("Cost", today, MONEY, lambda row: row.cost, f"{page}&sort=cost")
    yield _errors(today, failed or page)
    yield _time("Latency, p95", today, lambda row: row.latency_p95_ms, page)


def _midnight() -> str:
    return f"{datetime.now(UTC).date()}T00:00:00Z"


def _sum(name: str, today: Today, unit: Unit, number: Callable[[UsageRow], Any], url: str) -> Tile:
    now, then = number(today.total), today.then(number)
    lacks = " *" if name == "Cost" and today.total.lacks_money else ""
    chart = _by_hour(name, today, number, unit)
    return Tile(name, unit.short(now) + lacks, _compared(float(now), then, unit), url, unit.exact(now), chart)


def _by_hour(name: str, today: Today, number: Callable[[UsageRow], Any], unit: Unit) -> SafeString:
    """Return a chart with room for the whole day, so that its bars are as wide in the morning as in the evening."""
    values = [number(row) for row in today.hours]
    return sparkline(values + [None] * (HOURS_OF_A_DAY - len(values)), f"{name} by hour", unit)


def _compared(now: float, then: float, unit: Unit) -> str:
    """Return the difference in words; less than half a percent is none."""
    if not then:
        return "nothing by this time a week ago"
    shown = unit.short(round(then) if unit.is_whole else then)
    change = (now - then) / then
    if abs(change) < 0.005:
        return f"the same as by this time a week ago: {shown}"
    return f"{SHARE.short(abs(change))} {'more' if change > 0 else 'less'} than by this time a week ago: {shown}"


def _errors(today: Today, url: str) -> Tile:
    now, then = today.total, today.week_ago.error_rate
    is_high = now.errors >= MANY_ERRORS and (now.error_rate or 0) >= max(HIGH_ERROR_RATE, 2 * (then or 0))
    chart = _by_hour("Error rate", today, lambda row: row.error_rate, SHARE)
    before = f"; a week ago {SHARE.short(then)}" if then is not None else ""
    words = f"{COUNT.short(now.errors)} failed{before}"
    return Tile("Errors", SHARE.short(now.error_rate), words, url, "", chart, "bad" if is_high else "")


def _time(name: str, today: Today, number: Callable[[UsageRow], int | None], url: str) -> Tile:
    then = number(today.week_ago)
    chart = _by_hour(name, today, number, TIME)
    return Tile(name, TIME.short(number(today.total)), f"a week ago {TIME.short(then)}" if then else "", url, "", chart)
