"""CSV and TSV: titles and tables as in a sheet; the chunks of a table repeat the names of its columns."""

import csv
import io
import re
from collections.abc import Iterator

from apps_registry.extraction.blocks import Reading, UnreadableError
from apps_registry.extraction.formats.sheet_tables import tables_of
from apps_registry.extraction.formats.text import decode
from apps_registry.extraction.tables import cell_text

DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 65_536
_SAMPLE_ROWS = 50
MAX_FIELD_CHARS = 200_000
# Amounts with their currency, percentages, dates and times; titles and names of columns are none of these.
_NUMBER = re.compile(
    r"[-+(]?\s?(?:[€$£¥]|[A-Z]{3}\s)?\s?\d[\d.,'\u2019\s]{0,30}(?:[€$£¥%]|[A-Z]{3})?\)?"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d.{0,30})?|\d{1,2}:\d{2}(?::\d{2})?"
)


def read(data: bytes) -> Reading:
    """Return the rows as a table; the delimiter is the one that gives the rows the same number of cells."""
    reading = Reading()
    text = decode(data, reading.losses)
    if text[:4].lower() == "sep=":  # for Excel: names the delimiter
        text = text.partition("\n")[2]
    csv.field_size_limit(MAX_FIELD_CHARS)
    try:
        for block in tables_of(_rows(text), ()):
            reading.add(block)
    except csv.Error as error:
        raise UnreadableError(f"The file is not a table of values ({error}).") from None
    return reading


def _rows(text: str) -> Iterator[tuple[list[str], bool]]:
    """Yield each row, and whether a cell of it is a number."""
    for row in _cells(text, _delimiter(text)):
        yield [cell_text(value) for value in row], any(_NUMBER.fullmatch(value.strip()) for value in row)


def _cells(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows; a space between a delimiter and a quotation mark does not end the quotation before it begins."""
    return csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)


def _delimiter(text: str) -> str:
    sample = text[:_SAMPLE_CHARS]
    lines = io.StringIO(sample[: sample.rfind("\n") + 1] or sample).read()
    return max(DELIMITERS, key=lambda delimiter: _regularity(lines, delimiter))


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    """Return the share of rows that have the usual number of cells, and that number; zeros if it is one."""
    try:
        widths = [len(row) for row in _cells(sample, delimiter) if row][:_SAMPLE_ROWS]
    except csv.Error:
        return (0.0, 0)
    usual = max(set(widths), key=widths.count, default=0)
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)
