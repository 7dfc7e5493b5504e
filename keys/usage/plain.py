"""Usage for scripts and spreadsheets."""

import csv
from collections.abc import Sequence
from typing import Any, Protocol

from apps_registry.support.text.csv_cells import safe_cell
from keys.usage.reading import NAMES, UsageRow

NUMBERS = (
    *("turns", "errors", "interruptions", "tool_rounds", "prompt_tokens", "completion_tokens", "unreported_tokens"),
    *("unpriced_tokens", "cost", "latency_p50_ms", "latency_p95_ms", "first_token_p50_ms", "first_token_p95_ms"),
)


class _Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


def plain(row: UsageRow) -> dict[str, Any]:
    """Return a row with its numbers unshortened; `cost_is_complete` says whether every token had a price."""
    numbers = {name: getattr(row, name) for name in NUMBERS}
    grouped = {name: getattr(row, name) for name in row.names}
    return {**grouped, **numbers, "cost": f"{row.cost.normalize():f}", "cost_is_complete": not row.lacks_money}


def write_csv(file: _Writable, rows: Sequence[UsageRow], by: Sequence[str]) -> None:
    """Write rows for spreadsheets, with a heading even if there are no rows.

    Args:
        file: where to write.
        rows: the rows.
        by: what they are grouped by, names of GROUPS.
    """
    names = [*(name for group in by for name in NAMES[group]), *plain(UsageRow())]
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: safe_cell(value) for name, value in plain(row).items()} for row in rows)
