"""Usage for scripts and spreadsheets."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from keys.usage.reading import NAMES, UsageRow

# Spreadsheets read a cell that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_GROUP_FIELDS = frozenset(name for names in NAMES.values() for name in names)


class _Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


def plain(row: UsageRow) -> dict[str, Any]:
    """Return a row with its numbers unshortened; `cost_is_complete` says whether every token had a price."""
    values = asdict(row)
    names = values.pop("names")
    grouped = {name: values[name] for name in names}
    sums = {name: value for name, value in values.items() if name not in _GROUP_FIELDS}
    return {**grouped, **sums, "cost": f"{row.cost.normalize():f}", "cost_is_complete": not row.lacks_money}


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


def safe_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet reads as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
