"""The charts of the usage page."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from django.utils.safestring import SafeString

from aomi_site.console.usage.report import UsageReport
from apps_registry.admin.charts import Series, bars, lines
from apps_registry.admin.figures import MONEY, SHARE, TIME
from keys.usage.reading import UsageRow


def charts_of(report: UsageReport, step: str) -> Iterator[SafeString]:
    """Yield the charts, most important first.

    Args:
        report: what was used.
        step: what a bar is for, such as "day".
    """
    per, labels, steps = f"by {step}", report.labels, report.steps
    yield bars("Cost", per, labels, _stacked(report, "cost", lambda row: row.cost), MONEY)
    yield bars("Turns", per, labels, _stacked(report, "turns", lambda row: row.turns))
    tokens = [
        Series("in", [row.prompt_tokens for row in steps]),
        Series("out", [row.completion_tokens for row in steps]),
    ]
    yield bars("Tokens", per, labels, tokens)
    times = [
        Series("p50", [row.latency_p50_ms for row in steps]),
        Series("p95", [row.latency_p95_ms for row in steps]),
        Series("first token, p50", [row.first_token_p50_ms for row in steps]),
    ]
    yield lines("Latency", per, labels, times, TIME)
    yield lines("Error rate", per, labels, [Series("failed turns", [row.error_rate for row in steps])], SHARE)


def _stacked(report: UsageReport, name: str, value: Callable[[UsageRow], int | Decimal]) -> list[Series]:
    if not report.stacks:
        return [Series(name, [value(row) for row in report.steps])]
    return [Series(stack.name, [value(row) for row in stack.rows]) for stack in report.stacks]
