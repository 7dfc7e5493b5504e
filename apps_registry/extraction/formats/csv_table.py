"""CSV and TSV: the rows as a table, whose chunks repeat the names of the columns."""

import csv
import io
from collections.abc import Iterator

from apps_registry.extraction.blocks import Reading, UnreadableError
from apps_registry.extraction.formats.text import decode
from apps_registry.extraction.tables import Cell, Grid, cell_text

DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 65_536
_SAMPLE_ROWS = 50
MAX_FIELD_CHARS = 200_000


def read(data: bytes) -> Reading:
    """Return the rows as a table; the delimiter is the one that gives the rows the same number of cells."""
    reading, grid = Reading(), Grid()
    text = decode(data, reading.losses)
    if text[:4].lower() == "sep=":  # for Excel: names the delimiter
        text = text.partition("\n")[2]
    csv.field_size_limit(MAX_FIELD_CHARS)
    try:
        for row in _rows(text, _delimiter(text)):
            if any(row):
                grid.add(Cell(cell_text(value)) for value in row)
    except csv.Error as error:
        raise UnreadableError(f"The file is not a table of values ({error}).") from None
    for block in grid.blocks(()):
        reading.add(block)
    return reading


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows; a space between a delimiter and a quotation mark does not end the quotation before it begins."""
    return csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)


def _delimiter(text: str) -> str:
    sample = text[:_SAMPLE_CHARS]
    lines = io.StringIO(sample[: sample.rfind("\n") + 1] or sample).read()
    return max(DELIMITERS, key=lambda delimiter: _regularity(lines, delimiter))


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    """Return the share of rows that have the usual number of cells, and that number; zeros if it is one."""
    try:
        widths = [len(row) for row in _rows(sample, delimiter) if row][:_SAMPLE_ROWS]
    except csv.Error:
        return (0.0, 0)
    usual = max(set(widths), key=widths.count, default=0)
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)
