"""The lines of PDF pages: columns in reading order, and words that are hyphenated at the end of a line."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from pypdfium2 import PdfPage

from apps_registry.extraction.formats.pdf.pieces import BAD, Piece, pieces_of

MIN_ROWS = 5  # fewer lines side by side are a table, or a heading with a date
MIN_COLUMN_CHARS = 18.0  # on average; cells of tables are shorter
MAX_COLUMNS = 4
_SAME_LINE = 3.0  # points
_SAME_COLUMN = 6.0
_MIN_GAP = 60.0

_HYPHENATED = re.compile(r"(\w+)[-\u2010\u00ad][ \t]*\n[ \t]*(\w+)")
_WORD = re.compile(r"\w+(?:-\w+)+|\w+")
# "Kauf- und Lieferbedingungen": the hyphen replaces the rest of the next compound.
_CONJUNCTIONS = {"and", "or", "und", "oder", "bzw", "sowie", "en", "of", "et", "ou", "y", "o", "e"}
# First parts of English compounds, which keep their hyphen.
_FIRST_PARTS = {"self", "well", "high", "low", "real", "user", "long", "short", "full", "part", "half", "third", "open"}
_FIRST_PARTS |= {"cross", "one", "two", "three", "single", "multi", "non", "all", "end", "day", "year", "on", "up"}


def page_text(page: PdfPage) -> str:
    """Return the text of a page, column by column if the page interleaves the lines of its columns.

    A page whose fonts do not name most of its characters has no text: only text recognition can read it.

    Raises:
        pypdfium2.PdfiumError: the page is damaged.
    """
    pieces = pieces_of(page)
    if sum(piece.text.count(BAD) for piece in pieces) * 2 > sum(len(piece.text) for piece in pieces):
        return ""
    return _by_columns(pieces) or _joined([pieces])


def _by_columns(pieces: list[Piece]) -> str:
    """Return the text column by column; empty if the page does not interleave the lines of columns."""
    rows = _rows(pieces)
    positions = Counter(round(piece.x / _SAME_COLUMN) for row in rows if len(row) > 1 for piece in row)
    starts = sorted(position * _SAME_COLUMN for position, count in positions.items() if count >= MIN_ROWS)
    if not 2 <= len(starts) <= MAX_COLUMNS or any(b - a < _MIN_GAP for a, b in pairwise(starts)):
        return ""
    in_turn = [number for number, row in enumerate(rows) if len(row) > 1]
    first, last = in_turn[0], in_turn[-1]
    columns: list[list[str]] = [[] for _ in starts]
    for row in rows[first : last + 1]:
        for piece in row:
            column = max((at for at, start in enumerate(starts) if piece.x >= start - _SAME_COLUMN), default=0)
            columns[column].append(piece.text.strip())
    if any(sum(map(len, column)) < MIN_COLUMN_CHARS * len(column) for column in columns):
        return ""
    parts = [_joined(rows[:first]), *("\n".join(column) for column in columns), _joined(rows[last + 1 :])]
    return "\n\n".join(filter(None, parts))


def _rows(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Group consecutive pieces on the same line, from left to right, whose left edges are far enough apart."""
    rows: list[list[Piece]] = []
    for piece in pieces:
        if rows and abs(rows[-1][-1].y - piece.y) <= _SAME_LINE and piece.x - rows[-1][-1].x >= _MIN_GAP:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return rows


def _joined(rows: Iterable[list[Piece]]) -> str:
    return "".join(piece.text + ("\n" if piece.ends_line else " ") for row in rows for piece in row).rstrip()


def without_line_hyphens(pages: list[str]) -> list[str]:
    """Return the texts with words joined that are hyphenated at the end of a line.

    Part numbers and compounds keep their hyphen: those that also have it within a line of the document, those of
    digits or capitals, and those that begin like a compound.

    Args:
        pages: the text of each page.
    """
    known = {word.lower() for page in pages for word in _WORD.findall(page)}

    def join(match: "re.Match[str]") -> str:
        first, second = match[1], match[2]
        if second.lower() in _CONJUNCTIONS:
            return f"{first}- {second}"
        is_compound = f"{first}-{second}".lower() in known and f"{first}{second}".lower() not in known
        is_name = not second[0].islower() or not first[-1].isalpha()
        is_usual = first.lower() in _FIRST_PARTS and f"{first}{second}".lower() not in known
        return f"{first}-{second}" if is_compound or is_name or is_usual else f"{first}{second}"

    return [_HYPHENATED.sub(join, page) for page in pages]
