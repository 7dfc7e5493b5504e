"""Charts as SVG, drawn on the server, each with its numbers in a table below.

    days = [day_label(row.day) for row in daily(key_id=7)]
    bars("Turns", "by day", days, [Series("support", [3, 0, 7])])
    lines("Latency", "by day", days, [Series("p50", [900, None, 1200]), Series("p95", [3100, None, 4000])], TIME)
    sparkline([3, 0, 7], "Turns of the last three days")

They need aomi/charts.css, which every page of the console has.

Positions are percentages, so that a chart fills the available width while its text and patterns keep their size. There
are no `style` attributes, because the Content-Security-Policy forbids them. Series differ by pattern, dashes and marks,
not by colour alone.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from apps_registry.admin.figures import COUNT, Unit

Number = int | float | Decimal
MAX_SERIES = 4  # as many as there are patterns
TICKS = 6
NOTHING = "none"  # in place of a number where nothing was measured
# Ends of the scale whose half is a round number too.
ROUND_TOPS = (1, 2, 4, 6, 8, 10)
PATTERNS = {
    2: mark_safe('<path d="M-1 1 1-1M0 6 6 0M5 7 7 5" stroke-width="2"/>'),
    3: mark_safe('<circle cx="3" cy="3" r="1.6"/>'),
    4: mark_safe('<path d="M3 0v6" stroke-width="1.5"/>'),
}
GRID = mark_safe(
    '<line class="aomi-grid" x1="0" x2="100%" y1="0" y2="0"/>'
    '<line class="aomi-grid" x1="0" x2="100%" y1="50%" y2="50%"/>'
    '<line class="aomi-zero" x1="0" x2="100%" y1="100%" y2="100%"/>'
)


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values in a chart; None, where nothing was measured, shows as a gap."""

    name: str
    values: Sequence[Number | None]


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a point: in full, and in short for the axis."""

    full: str
    short: str


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    per: str
    labels: Sequence[Label]
    series: Sequence[Series]
    unit: Unit
    is_stacked: bool = False

    @property
    def width(self) -> float:
        """The width of a point, in percent of the chart."""
        return 100 / max(1, len(self.labels))

    def pattern(self, number: int) -> str:
        return f"fill-{slugify(self.title)}-{number}"

    def fill(self, number: int) -> SafeString:
        return format_html(' fill="url(#{})"', self.pattern(number)) if number in PATTERNS else mark_safe("")


def day_label(day: date) -> Label:
    """Return the label of a day: 2026-12-01, and 1 Dec on the axis."""
    return Label(day.isoformat(), f"{day.day} {day:%b}")


def bars(title: str, per: str, labels: Sequence[Label], series: Sequence[Series], unit: Unit = COUNT) -> SafeString:
    """Return a chart of stacked bars.

    Args:
        title: what is shown, such as "Turns"; unique on the page.
        per: what each bar is for, such as "by day".
        labels: one for each bar.
        series: at most MAX_SERIES; the first one is at the bottom.
        unit: how the values are written.
    """
    chart = _Chart(title, per, labels, series, unit, is_stacked=True)
    top = _top((sum(float(one.values[at] or 0) for one in series) for at in range(len(labels))), unit)
    return _figure(chart, top, [*_patterns(chart), *_stacked(chart, top)], _bar_swatch)


def lines(title: str, per: str, labels: Sequence[Label], series: Sequence[Series], unit: Unit = COUNT) -> SafeString:
    """Return a chart of lines; it takes the arguments of `bars`."""
    chart = _Chart(title, per, labels, series, unit)
    top = _top((float(value) for one in series for value in one.values if value is not None), unit)
    shapes = [shape for number, one in enumerate(series, 1) for shape in _line(chart, number, one.values, top)]
    return _figure(chart, top, shapes, _line_swatch)


def sparkline(values: Sequence[Number | None], text: str, unit: Unit = COUNT) -> SafeString:
    """Return a small chart of bars without axes, for a tile.

    Args:
        values: one for each bar.
        text: what it shows, for screen readers and on hover.
        unit: how the values are written.
    """
    top = max((float(value) for value in values if value is not None), default=0) or 1
    width = 100 / max(1, len(values))
    bar_sizes = ((at * width, _share(value, top)) for at, value in enumerate(values) if value)
    shapes = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"/>',
        ((_percent(x), _percent(100 - height), _percent(width * 0.75), _percent(height)) for x, height in bar_sizes),
    )
    last = _last(values)
    words = f"{text}; last {unit.short(last)}" if last is not None else f"{text}; nothing was measured"
    return format_html(
        '<svg class="aomi-spark" role="img" aria-label="{}"><title>{}</title>{}</svg>', words, words, shapes
    )


def _top(values: Iterable[float], unit: Unit) -> float:
    """Return the end of the scale: a round number that nothing exceeds."""
    highest = max(values, default=0)
    if highest <= 0:
        return 2 if unit.is_whole else 1
    size = 10 ** math.floor(math.log10(highest))
    top = next((step * size for step in ROUND_TOPS if step * size >= highest * (1 - 1e-9)), highest)
    return max(2, top) if unit.is_whole else top


def _share(value: Number | None, top: float) -> float:
    return 100 * max(0.0, float(value or 0)) / top


def _percent(number: float) -> str:
    return f"{number:.2f}%"


def _last(values: Sequence[Number | None]) -> Number | None:
    return next((value for value in reversed(values) if value is not None), None)


def _patterns(chart: _Chart) -> Iterator[SafeString]:
    """Yield what fills the second to fourth series; the first one is solid."""
    for number in range(2, len(chart.series) + 1):
        yield format_html(
            '<pattern id="{}" class="aomi-pattern-{}" patternUnits="userSpaceOnUse" width="6" height="6">'
            '<rect width="6" height="6"/>{}</pattern>',
            *(chart.pattern(number), number, PATTERNS[number]),
        )


def _stacked(chart: _Chart, top: float) -> Iterator[SafeString]:
    for index in range(len(chart.labels)):
        height = 0.0
        for number, one in enumerate(chart.series, 1):
            if share := _share(one.values[index], top):
                height += share
                x, width = (index + 0.12) * chart.width, chart.width * 0.76
                yield format_html(
                    '<rect class="aomi-bar-{}" x="{}" y="{}" width="{}" height="{}"{}/>',
                    *(number, _percent(x), _percent(100 - height), _percent(width), _percent(share)),
                    chart.fill(number),
                )


def _line(chart: _Chart, number: int, values: Sequence[Number | None], top: float) -> Iterator[SafeString]:
    points = [
        (_percent((index + 0.5) * chart.width), _percent(100 - _share(value, top))) if value is not None else None
        for index, value in enumerate(values)
    ]
    for start, end in itertools.pairwise(points):
        if start and end:
            yield format_html('<line class="aomi-line-{}" x1="{}" y1="{}" x2="{}" y2="{}"/>', number, *start, *end)
    for point in filter(None, points):
        yield format_html('<circle class="aomi-dot-{}" cx="{}" cy="{}" r="{}"/>', number, *point, 1.5 + number / 2)


def _hovers(chart: _Chart) -> Iterator[SafeString]:
    """Yield an invisible column for each point, which shows its numbers on hover (aomi/charts.js reads them)."""
    for index, label in enumerate(chart.labels):
        numbers = [(one.name, one.values[index]) for one in chart.series]
        if chart.is_stacked and len(numbers) > 1:
            numbers.append(("all", sum((value or 0 for _, value in numbers), 0)))
        words = "\n".join([label.full, *(f"{name}: {chart.unit.short(value) or NOTHING}" for name, value in numbers)])
        yield format_html(
            '<rect class="aomi-hover" x="{}" y="0" width="{}" height="100%"><title>{}</title></rect>',
            *(_percent(index * chart.width), _percent(chart.width), words),
        )


def _figure(
    chart: _Chart, top: float, shapes: Iterable[SafeString], swatch: Callable[[_Chart, int], SafeString]
) -> SafeString:
    on_axis = chart.unit.on_axis or chart.unit.short
    scale = ((on_axis(_whole(share * top)),) for share in (1, 0.5, 0))
    return format_html(
        '<figure class="aomi-chart"><figcaption><b>{}</b> <span>{}</span>{}</figcaption>'
        '<div class="aomi-plot"><div class="aomi-scale" aria-hidden="true">{}</div>'
        '<svg class="aomi-area" role="img" aria-label="{}">{}{}{}</svg>'
        '<svg class="aomi-ticks" aria-hidden="true">{}</svg></div>{}</figure>',
        *(chart.title, chart.per, _legend(chart, swatch), format_html_join("", "<span>{}</span>", scale)),
        *(_summary(chart), GRID, _joined(shapes), _joined(_hovers(chart)), _ticks(chart), _table(chart)),
    )


def _joined(shapes: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((shape,) for shape in shapes))


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


def _legend(chart: _Chart, swatch: Callable[[_Chart, int], SafeString]) -> SafeString:
    """Name the series, with their last values."""
    return format_html(
        '<ul class="aomi-legend">{}</ul>',
        format_html_join(
            "",
            '<li><svg class="aomi-swatch" aria-hidden="true">{}</svg><bdi>{}</bdi> <span>last {}</span></li>',
            (
                (swatch(chart, number), one.name, chart.unit.short(_last(one.values)) or NOTHING)
                for number, one in enumerate(chart.series, 1)
            ),
        ),
    )


def _bar_swatch(chart: _Chart, number: int) -> SafeString:
    return format_html('<rect class="aomi-bar-{}" width="12" height="12"{}/>', number, chart.fill(number))


def _line_swatch(chart: _Chart, number: int) -> SafeString:
    return format_html(
        '<line class="aomi-line-{}" x1="0" y1="6" x2="20" y2="6"/><circle class="aomi-dot-{}" cx="10" cy="6" r="{}"/>',
        *(number, number, 1.5 + number / 2),
    )


def _summary(chart: _Chart) -> str:
    """Return the chart in a sentence, for screen readers."""
    if not chart.labels:
        return f"{chart.title} {chart.per}: nothing in this range"
    known = ((one.name, [value for value in one.values if value is not None]) for one in chart.series)
    highest = [f"{name} at most {chart.unit.short(max(values))}" for name, values in known if values]
    span = f"{chart.labels[0].full} to {chart.labels[-1].full}"
    return f"{chart.title} {chart.per}, {span}: {', '.join(highest) or 'nothing was measured'}. The numbers follow."


def _ticks(chart: _Chart) -> SafeString:
    """Return the labels of the axis: the last point, and others at equal distances from it."""
    step = max(1, math.ceil(len(chart.labels) / TICKS))
    labelled = (index for index in range(len(chart.labels)) if (len(chart.labels) - 1 - index) % step == 0)
    centres = (((index + 0.5) * chart.width, chart.labels[index].short) for index in labelled)
    return format_html_join(
        "",
        '<text x="{}" y="12" text-anchor="{}">{}</text>',
        ((_percent(x), "start" if x < 6 else "end" if x > 94 else "middle", text) for x, text in centres),
    )


def _table(chart: _Chart) -> SafeString:
    heads = format_html_join("", '<th scope="col"><bdi>{}</bdi></th>', ((one.name,) for one in chart.series))
    cells = (
        (label.full, [(chart.unit.exact(one.values[index]) or NOTHING,) for one in chart.series])
        for index, label in enumerate(chart.labels)
    )
    rows = ((name, format_html_join("", "<td>{}</td>", numbers)) for name, numbers in cells)
    return format_html(
        '<details class="aomi-numbers"><summary>Numbers</summary>'
        '<div class="aomi-numbers-scroll" tabindex="0" role="region"'
        ' aria-label="{}: numbers"><table><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div></details>',
        *(chart.title, heads, format_html_join("", '<tr><th scope="row">{}</th>{}</tr>', rows)),
    )
