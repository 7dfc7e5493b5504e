"""Tables of a DOCX while their cells are read (ECMA-376-1, 17.4)."""

from apps_registry.extraction.formats.docx.xml import Attributes
from apps_registry.extraction.tables import MAX_SPAN, Cell, Grid, cell_text

_OFF = {"0", "false", "off"}

# A paragraph of a cell: its heading level, if it has one, its text and its page.
Paragraph = tuple[int | None, str, int]


class OpenTable:
    """A table, its open row and its open cell."""

    def __init__(self) -> None:
        self.grid = Grid()
        self.contents: list[Paragraph | OpenTable] = []
        self._row: list[Cell] = []
        self._columns = 0
        self._span, self._merged, self._is_header = 1, "", False

    def property(self, name: str, attributes: Attributes) -> None:
        """Apply an element of `w:trPr` or `w:tcPr`."""
        value = attributes.get("val", "")
        match name:
            case "gridSpan":
                self._span = _count(value, 1)
            case "gridBefore" | "gridAfter" if count := _count(value, 0):
                self._add(Cell("", columns=count))
            case "vMerge" | "hMerge":
                self._merged = f"{name} {value or 'continue'}"
            case "tblHeader":
                self._is_header = value not in _OFF

    def end_cell(self, text: str) -> None:
        """End a cell with its text."""
        match self._merged:
            case "vMerge continue":
                text = self.grid.above(self._columns)
            case "hMerge continue" if self._row:
                text = self._row[-1].text
            case _:
                text = cell_text(text)
        self._add(Cell(text, columns=self._span))
        self._span, self._merged = 1, ""

    def end_row(self, page: int) -> None:
        """End a row."""
        if self._row:
            self.grid.add(self._row, is_header=self._is_header, page=page)
        self._row, self._columns, self._is_header = [], 0, False

    def _add(self, cell: Cell) -> None:
        self._row.append(cell)
        self._columns += cell.columns


def _count(value: str, default: int) -> int:
    return min(int(value), MAX_SPAN) if value.isascii() and value.isdecimal() and len(value) < 6 else default
