"""The lines of PDF pages: columns in reading order, and words that are hyphenated at the end of a line."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pypdf import PageObject

MIN_ROWS = 5  # fewer lines next to each other are a table, or a heading with a date
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


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of text that the page places at once."""

    x: float
    y: float
    text: str


def page_text(page: PageObject) -> str:
    """Return the text of a page, column by column if it writes the lines of columns in turn."""
    pieces: list[_Piece] = []

    def visit(text: str, matrix: Any, text_matrix: Any, *_: object) -> None:
        if text.strip():
            x = text_matrix[4] * matrix[0] + text_matrix[5] * matrix[2] + matrix[4]
            y = text_matrix[4] * matrix[1] + text_matrix[5] * matrix[3] + matrix[5]
            pieces.append(_Piece(float(x), float(y), text))

    text = page.extract_text(visitor_text=visit)
    return _by_columns(pieces) or text


def _by_columns(pieces: list[_Piece]) -> str:
    """Return the text column by column; empty if the page does not write the lines of columns in turn."""
    rows = _rows(pieces)
    places = Counter(round(piece.x / _SAME_COLUMN) for row in rows if len(row) > 1 for piece in row)
    starts = sorted(place * _SAME_COLUMN for place, count in places.items() if count >= MIN_ROWS)
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


def _rows(pieces: Iterable[_Piece]) -> list[list[_Piece]]:
    """Group pieces that follow one another on the same line, from left to right and apart."""
    rows: list[list[_Piece]] = []
    for piece in pieces:
        if rows and abs(rows[-1][-1].y - piece.y) <= _SAME_LINE and piece.x - rows[-1][-1].x >= _MIN_GAP:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return rows


def _joined(rows: Iterable[list[_Piece]]) -> str:
    return "\n".join(piece.text.strip("\n") for row in rows for piece in row)


def without_line_hyphens(pages: list[str]) -> list[str]:
    """Return the texts with words joined that are hyphenated at the end of a line.

    Part numbers and compounds keep their hyphen: those that the document also writes with it within a line, those of
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
