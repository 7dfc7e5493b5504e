"""The pieces of text of a PDF page with their positions, read with PDFium, which knows the widths of characters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage, PdfTextPage

BAD = "\ufffd"
WIDE_GAP = 12.0  # points between two words: they may belong to two columns
_MAX_JOINT = 6.0  # between a word and its raised or lowered neighbour
_SPACE = 2.0
_HYPHEN, _UNKNOWN = 2, 0  # PDFium's codes for a hyphen at a line's end, and for a character that the font does not name
_LINE_ENDS = {10, 13, _HYPHEN}
_BLANKS = {32, 160}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line without a wide gap.

    Attributes:
        x: its left edge, in points.
        y: its lower edge.
        right: its right edge.
        top: its upper edge.
        ends_line: the next piece is on another line.
    """

    x: float
    y: float
    right: float
    top: float
    text: str
    ends_line: bool


def pieces_of(page: PdfPage) -> list[Piece]:
    """Return the pieces of a page in the order of the file; raised and lowered characters stay in their line.

    Raises:
        pypdfium2.PdfiumError: the page is damaged.
    """
    text_page = page.get_textpage()
    try:
        return list(_joined(_pieces(text_page)))
    finally:
        text_page.close()


def _pieces(text_page: PdfTextPage) -> Iterator[Piece]:
    codes = [_code(text_page, number) for number in range(text_page.count_chars())]
    start = 0
    for number, code in enumerate(codes):
        if code in _LINE_ENDS or (code in _BLANKS and _is_wide(text_page, codes, number)):
            yield from _piece(text_page, codes, start, number, ends_line=code in _LINE_ENDS)
            start = number + 1
    yield from _piece(text_page, codes, start, len(codes), ends_line=True)


def _code(text_page: PdfTextPage, number: int) -> int:
    # If a font does not name a character, PDFium returns its number in the font, which may be that of any letter.
    has_error = pdfium.FPDFText_HasUnicodeMapError(text_page, number) == 1
    return _UNKNOWN if has_error else int(pdfium.FPDFText_GetUnicode(text_page, number))


def _piece(text_page: PdfTextPage, codes: list[int], start: int, end: int, *, ends_line: bool) -> Iterator[Piece]:
    while start < end and codes[start] in _BLANKS:
        start += 1
    last = end - 1
    while last > start and codes[last] in _BLANKS:
        last -= 1
    if start > last:
        return
    left, bottom, _, top = text_page.get_charbox(start)
    right = text_page.get_charbox(last)[2]
    hyphen = "-" if end < len(codes) and codes[end] == _HYPHEN else ""
    yield Piece(left, bottom, right, top, _text(codes[start : last + 1]) + hyphen, ends_line)


def _text(codes: list[int]) -> str:
    """Return the text of UTF-16 units or code points."""
    text = "".join(BAD if code == _UNKNOWN else chr(code) for code in codes)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_wide(text_page: PdfTextPage, codes: list[int], number: int) -> bool:
    """Return whether the blank was a wide gap on the page."""
    if not 0 < number < len(codes) - 1 or {codes[number - 1], codes[number + 1]} & (_LINE_ENDS | _BLANKS):
        return False
    before: Any = text_page.get_charbox(number - 1)
    after: Any = text_page.get_charbox(number + 1)
    return bool(after[0] - before[2] >= WIDE_GAP)


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join pieces on the same line next to each other: PDFium begins a new line at each raised character."""
    last: Piece | None = None
    for piece in pieces:
        if last is None:
            last = piece
        elif last.ends_line and _is_continued(last, piece):
            space = " " if piece.x - last.right >= _SPACE else ""
            text = f"{last.text}{space}{piece.text}"
            last = replace(last, text=text, right=piece.right, ends_line=piece.ends_line)
        else:
            yield last
            last = piece
    if last is not None:
        yield last


def _is_continued(last: Piece, piece: Piece) -> bool:
    """Tell whether a piece continues the line of the last one; a hyphen was at the end of its line."""
    overlap = min(last.top, piece.top) - max(last.y, piece.y)
    return overlap > 0 and -1 <= piece.x - last.right <= _MAX_JOINT
