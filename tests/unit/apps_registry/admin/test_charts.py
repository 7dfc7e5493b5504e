"""Charts: what is drawn and written; data is never taken for markup."""

import re
from datetime import date
from decimal import Decimal

import pytest

from apps_registry.admin.charts import Label, Series, bars, day_label, lines, sparkline
from apps_registry.admin.figures import COUNT, MONEY, SHARE, TIME, Unit

DAYS = [day_label(date(2026, 11, number)) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("unit", "value", "short", "exact"),
    [
        (COUNT, 950, "950", "950"),
        (COUNT, 12_345, "12.3 k", "12,345"),
        (COUNT, 1_444_600_000, "1.4 B", "1,444,600,000"),
        (COUNT, None, "", ""),
        (MONEY, Decimal("0.0045"), "$0.0045", "$0.0045"),
        (MONEY, Decimal("1234.5678"), "$1,234.57", "$1,234.5678"),
        (MONEY, Decimal(100), "$100.00", "$100"),
        (TIME, 340, "≈ 340 ms", "≈ 340 ms"),
        (TIME, 1234, "≈ 1.2 s", "≈ 1,234 ms"),
        (SHARE, 0.0042, "0.42 %", "0.42 %"),
        (SHARE, 0.125, "12 %", "12.5 %"),
        (SHARE, 0, "0 %", "0 %"),
    ],
)
def test_numbers_are_short_to_read_and_exact_to_compare(unit: Unit, value: object, short: str, exact: str) -> None:
    assert (unit.short(value), unit.exact(value)) == (short, exact)


def test_bars_are_stacked_on_a_round_scale() -> None:
    chart = bars("Turns", "by day", DAYS, [Series("one", [10, 0, 20]), Series("two", [5, 0, 15])])
    drawn = re.findall(
        r'<rect class="aomi-bar-(\d)" x="[\d.]+%" y="([\d.]+)%" width="[\d.]+%" height="([\d.]+)%"', chart
    )
    assert drawn == [("1", "75.00", "25.00"), ("2", "62.50", "12.50"), ("1", "50.00", "50.00"), ("2", "12.50", "37.50")]
    assert re.findall(r"<span>([\d.]+)</span>", chart) == ["40", "20", "0"]
    assert "1 Nov" in chart
    assert "2026-11-03\none: 20\ntwo: 15\nall: 35" in chart
    assert 'fill="url(#fill-turns-2)"' in chart  # distinguishable without colour
    assert 'id="fill-turns-2"' in chart


def test_lines_have_gaps_where_nothing_was_measured() -> None:
    days = [day_label(date(2026, 11, number)) for number in range(1, 6)]
    chart = lines("Latency", "by day", days, [Series("p95", [100, 200, None, 300, 400])], TIME)
    assert len(re.findall('<line class="aomi-line-1" x1="[^0]', chart)) == 2
    assert re.findall("<td>([^<]+)</td>", chart) == ["≈ 100 ms", "≈ 200 ms", "none", "≈ 300 ms", "≈ 400 ms"]
    assert "last ≈ 400 ms" in chart
    assert re.findall(r"<span>(\d[^<]*)</span>", chart) == ["400 ms", "200 ms", "0 ms"]  # the scale is exact


def test_a_chart_escapes_what_it_shows_and_has_no_style() -> None:
    hostile = "<script>1</script>\"'{{ 7|add:7 }}"
    shown = bars(hostile, hostile, [Label(hostile, hostile)], [Series(hostile, [1])])
    shown += lines(hostile, hostile, [Label(hostile, hostile)], [Series(hostile, [1])]) + sparkline([1], hostile)
    assert "<script>" not in shown
    assert " style=" not in shown


@pytest.mark.parametrize("values", [[], [None], [0], [Decimal(0)], [Decimal("0.0000000001")], [10**15], [-3]])
def test_any_values_can_be_drawn(values: list[int | Decimal | None]) -> None:
    labels = DAYS[: len(values)]
    for shown in (
        bars("Any", "by day", labels, [Series("one", values)], MONEY if Decimal(0) in values else COUNT),
        lines("Any", "by day", labels, [Series("one", values)]),
        sparkline(values, "Any"),
    ):
        assert shown.count("<svg") == shown.count("</svg>") > 0
        assert "nan" not in shown.lower()
