"""The timeline of a turn: its rounds, calls and waits on one scale, as shapes of an SVG and as rows of a table."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from apps_registry.admin.display import amount_of, duration
from apps_registry.models import OutboundCall
from sessions_app.models import Turn

# The drawing's coordinates, in units of its viewBox.
WIDTH = 1_000.0
LABELS_WIDTH = 230.0
ROW_HEIGHT = 26
SCALE_HEIGHT = 24
BAR_HEIGHT = 14
LEAST_WIDTH = 2.0
LABEL_CHARS = 32
TICKS_MAX = 6
ROWS_MAX = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a turn.

    Attributes:
        kind: model, tool, outbound or pause; it determines the colour and the heading.
        starts: milliseconds after the turn's start.
        ends: milliseconds from the turn's start to the step's end.
        first: milliseconds from the turn's start to the model's first token; None for other kinds.
        detail: what it used, or how it ended.
        has_failed: whether it is an outbound call that failed.
        url: the page of an outbound call; empty for other kinds.
    """

    kind: str
    label: str
    starts: int
    ends: int
    first: int | None = None
    detail: str = ""
    has_failed: bool = False
    url: str = ""

    @property
    def taken(self) -> str:
        """The duration, as text."""
        return duration(timedelta(milliseconds=self.ends - self.starts))

    @property
    def start_words(self) -> str:
        """The time from the turn's start to the step's start, as text."""
        return duration(timedelta(milliseconds=self.starts)) or "0 ms"

    @property
    def wait_words(self) -> str:
        """The time until the model's first token, as text; empty for other kinds."""
        return "" if self.first is None else duration(timedelta(milliseconds=self.first - self.starts))


@dataclass(frozen=True, slots=True)
class Bar:
    css: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the drawing: a step, with its bars."""

    step: Step
    label: str
    y: int
    text_y: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The data that the template draws."""

    steps: list[Step]
    rows: list[Row]
    ticks: list[tuple[str, str]]
    height: int
    total: str
    left_out: int


def timeline_of(turn: Turn, calls: Sequence[OutboundCall]) -> Timeline | None:
    """Return the timeline of a turn; None if no times are recorded.

    Args:
        turn: the turn.
        calls: its outbound calls; empty if the operator may not see them.
    """
    steps = sorted(_steps(turn, calls), key=lambda step: (step.starts, step.ends))
    if not steps:
        return None
    end = max([1, *(step.ends for step in steps)])
    rows = [_row(step, number, end) for number, step in enumerate(steps[:ROWS_MAX])]
    return Timeline(
        steps,
        rows,
        [(_x(tick, end), duration(timedelta(milliseconds=tick)) if tick else "0") for tick in _ticks(end)],
        SCALE_HEIGHT + ROW_HEIGHT * len(rows),
        duration(timedelta(milliseconds=end)),
        len(steps) - len(rows),
    )


def _steps(turn: Turn, calls: Sequence[OutboundCall]) -> Iterator[Step]:
    began = _milliseconds(turn.started_at)
    recorded: list[dict[str, Any]] = turn.steps or []
    for step, following in zip(recorded, [*recorded[1:], None], strict=False):
        yield _step(turn, step, following, began)
    if not recorded and turn.finished_at is not None:  # the turn is from an earlier version, or its worker died
        yield Step("model", turn.model, 0, _milliseconds(turn.finished_at) - began, turn.first_token_ms)
    yield from _outbound(calls, began)


def _outbound(calls: Sequence[OutboundCall], began: int) -> Iterator[Step]:
    """Yield outbound calls; those of one tool call are recorded together, at its end, and were made one by one."""
    later: OutboundCall | None = None
    ends = 0
    for call in reversed(calls):
        if later is None or (call.tool, call.created_at) != (later.tool, later.created_at):
            ends = max(0, _milliseconds(call.created_at) - began)
        starts = max(0, ends - call.milliseconds)
        url = reverse("admin:apps_registry_outboundcall_change", args=[call.pk])
        more: dict[str, Any] = {"detail": call.outcome, "has_failed": call.has_failed, "url": url}
        yield Step("outbound", f"{call.method} {call.host}", starts, ends, **more)
        later, ends = call, starts


def _step(turn: Turn, step: dict[str, Any], following: dict[str, Any] | None, began: int) -> Step:
    until = step.get("until")
    if until is None:  # a pause lasts until the next step
        until = following["at"] if following else _milliseconds(turn.finished_at or timezone.now())
    first = step.get("first")
    prompt, completion = step.get("tokens") or (None, None)
    facts = [f"round {step['round']}"] if step["kind"] == "model" else []
    facts += [f"{amount_of(prompt or 0)} + {amount_of(completion or 0)} tokens"] if prompt or completion else []
    facts += ["cut off"] if step.get("cut") else []
    label = step["name"] or "waits for its client"
    return Step(
        step["kind"],
        label,
        max(0, step["at"] - began),
        max(0, until - began),
        None if first is None else max(0, first - began),
        " · ".join(facts),
    )


def _row(step: Step, number: int, end: int) -> Row:
    y = SCALE_HEIGHT + number * ROW_HEIGHT
    label = step.label if len(step.label) <= LABEL_CHARS else f"{step.label[: LABEL_CHARS - 1]}…"
    middle = (ROW_HEIGHT - BAR_HEIGHT) // 2
    return Row(step, label, y + middle, y + middle + BAR_HEIGHT - 3, list(_bars(step, end)))


def _bars(step: Step, end: int) -> Iterator[Bar]:
    if step.first is not None:
        yield _bar("waiting", step.starts, step.first, end)
    yield _bar(step.kind, step.starts if step.first is None else step.first, step.ends, end)


def _bar(css: str, starts: int, ends: int, end: int) -> Bar:
    width = max((ends - starts) / end * (WIDTH - LABELS_WIDTH - 10), LEAST_WIDTH)
    return Bar(f"is-{css}", _x(starts, end), f"{width:.1f}")


def _x(milliseconds: int, end: int) -> str:
    return f"{LABELS_WIDTH + milliseconds / end * (WIDTH - LABELS_WIDTH - 10):.1f}"


def _ticks(end: int) -> list[int]:
    """Return round times from 0 on, at most TICKS_MAX."""
    sizes = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    size = next(size for size in sizes if end / size <= TICKS_MAX - 1)
    return list(range(0, end + 1, size))


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)
