"""RTF: tables, also nested ones (Rich Text Format Specification 1.9.1, "Table Definitions").

A cell may hold several paragraphs and further tables. The library that reads the text writes a bar for the end of a
cell, which does not show where the cell began. So marks for the control words of tables go through it as text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from apps_registry.extraction.tables import Cell, Grid, cell_text

# Noncharacters of Unicode (section 23.7 of its standard), so no text has them.
_MARKS = {
    name: chr(0xFDD0 + number) for number, name in enumerate(("cell", "row", "nestcell", "trowd", "pard", "intbl"))
}
_END_OF_NESTED_ROW = chr(0xFDD6)
_DEPTHS = {chr(0xFDE0 + depth): depth for depth in range(10)}
_WORD = re.compile(r"\\(?:(cell|row|nestcell|trowd|pard|intbl|itap(\d+))(?![a-z0-9]) ?|[a-z]+|.)", re.DOTALL)
_FOR_OLD_READERS = re.compile(r"\{\\nonesttables(?![a-z])[^{}]*\}")
_NESTED_ROW = re.compile(r"\{\\\*\\nesttableprops(?![a-z])")
_PIECE = re.compile(r"[\ufdd0-\ufdd6\ufde0-\ufde9]|[^\ufdd0-\ufdd6\ufde0-\ufde9]+")


def marked(source: str) -> str:
    """Return an RTF file with a mark in place of each control word of tables."""
    if "\\cell" not in source and "\\nestcell" not in source:
        return source
    source = _NESTED_ROW.sub(lambda group: f"\\plain {_END_OF_NESTED_ROW}{group[0]}", _FOR_OLD_READERS.sub("", source))
    return _WORD.sub(_mark, source)


def _mark(word: "re.Match[str]") -> str:
    if word[1] is None:
        return word[0]
    depth = chr(0xFDE0 + min(9, int(word[2]))) if word[2] else ""
    return f"\\plain {depth or _MARKS[word[1]]}"  # the control word ends a character that the library would skip


@dataclass(slots=True)
class _Level:
    """An open table: its rows, the cells of its open row, and the text of its open cell."""

    grid: Grid = field(default_factory=Grid)
    cells: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def end_cell(self) -> None:
        self.cells.append(cell_text("".join(self.text)))
        self.text.clear()

    def end_row(self) -> None:
        if "".join(self.text).strip():
            self.end_cell()
        if self.cells:
            self.grid.add(map(Cell, self.cells))
            self.cells = []


def parts(text: str) -> Iterator[str | Grid]:
    """Yield the texts and tables of a file in order; a table in a cell becomes a part of its text.

    Args:
        text: the text of a marked file.

    Raises:
        UnreadableError: a table has too many cells.
    """
    reader = _Reader()
    for piece in _PIECE.findall(text):
        yield from reader.take(piece)
    yield from reader.close_to(0)
    yield "".join(reader.outside)


class _Reader:
    """Follows the depth of tables: 0 outside of them, 2 in a table within a cell."""

    def __init__(self) -> None:
        """Begin outside of tables."""
        self.outside: list[str] = []
        self._levels: list[_Level] = []
        self._in_row = self._in_table = self._is_announced = False
        self._depth = 0  # of `\\itap`; it applies to the text that follows

    def take(self, piece: str) -> Iterator[str | Grid]:
        """Read a mark or a text, and yield what it completes."""
        if piece == _MARKS["trowd"]:
            self._in_row = self._is_announced = True
        elif piece == _MARKS["pard"]:
            self._depth, self._in_table, self._in_row = 0, False, self._in_row and self._is_announced
        elif piece == _MARKS["intbl"]:
            self._in_table = True
        elif piece in _DEPTHS:
            self._depth = _DEPTHS[piece]
        elif piece in {_MARKS["cell"], _MARKS["row"]}:
            yield from self._end(1, is_row=piece == _MARKS["row"])
        elif piece in {_MARKS["nestcell"], _END_OF_NESTED_ROW}:
            depth = self._depth if self._depth > 1 else max(2, len(self._levels))
            yield from self._end(depth, is_row=piece == _END_OF_NESTED_ROW)
        else:
            yield from self._add(piece)

    def _add(self, text: str) -> Iterator[str | Grid]:
        depth = self._depth or int(self._in_table or self._in_row)
        if text.strip():
            yield from self.close_to(depth)
            self._open_to(depth)
        (self._levels[-1].text if self._levels else self.outside).append(text)

    def _end(self, depth: int, *, is_row: bool) -> Iterator[str | Grid]:
        yield from self.close_to(depth)
        own = "" if self._levels or self._in_row or self._in_table else self._last_line()
        self._open_to(depth)
        self._levels[-1].text.append(own)
        self._levels[-1].end_row() if is_row else self._levels[-1].end_cell()
        self._in_row = not is_row or depth > 1
        self._is_announced = self._is_announced and self._in_row

    def _last_line(self) -> str:
        """Take the last line before a cell's end, for cells that no control word announces."""
        *before, own = "".join(self.outside).rsplit("\n", 1)
        self.outside = [*before, "\n"]
        return own

    def _open_to(self, depth: int) -> None:
        while len(self._levels) < depth:
            self._levels.append(_Level())

    def close_to(self, depth: int) -> Iterator[str | Grid]:
        """End the tables that are deeper; yield the outermost one, after the text before it."""
        while len(self._levels) > depth:
            level = self._levels.pop()
            level.end_row()
            if self._levels:
                self._levels[-1].text.append(f" {level.grid.inline()} ")
                continue
            yield "".join(self.outside)
            self.outside = []
            yield level.grid
