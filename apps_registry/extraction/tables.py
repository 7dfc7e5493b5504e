"""Tables: a grid in which every cell keeps its column, and its form as text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

from apps_registry.extraction.blocks import MAX_HEADER_CHARS, Block, UnreadableError

MAX_CELLS = 1_000_000
MAX_SPAN = 1000  # as in browsers
MAX_LABEL_CHARS = 200  # a merged cell repeats at most this much of its text
MAX_NAME_CHARS = 100  # of a column's name
MAX_LINE_COLUMNS = 15  # beyond this, and beyond this length, a row is written as one line per column
MAX_LINE_CHARS = 900
SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, and how many columns and rows it covers; rows 0: all following rows."""

    text: str
    columns: int = 1
    rows: int = 1


class Grid:
    """The cells of a table by row and column; a merged cell repeats its text in each cell that it covers."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.pages: list[int | None] = []  # of each row
        self.headers = 0  # how many rows at the top name the columns
        self._hanging: dict[int, tuple[int, str]] = {}  # column -> rows that a cell above still covers, and its text
        self._cells = 0

    def add(self, cells: Iterable[Cell], *, is_header: bool = False, page: int | None = None) -> None:
        """Add a row.

        Args:
            cells: from left to right, without those that a cell above covers.
            is_header: whether it names the columns; ignored after the first row of data.
            page: its page.

        Raises:
            UnreadableError: the table has too many cells.
        """
        row: list[str] = []
        cells = list(cells)
        for cell in cells:
            self._hang(row)
            columns = max(1, min(cell.columns, MAX_SPAN))
            for number in range(columns):
                if cell.rows != 1:
                    self._hanging[len(row)] = (cell.rows - 1 if cell.rows else -1, _label(cell.text))
                row.append(_label(cell.text) if number else cell.text)
        while self._hanging and max(self._hanging) >= len(row):
            if len(row) not in self._hanging:
                row.append("")
            self._hang(row)
        if len(cells) == 1 and len(row) == cells[0].columns:
            del row[1:]  # one cell over the whole width: a title within the table
        self._cells += len(row)
        if self._cells > MAX_CELLS:
            raise UnreadableError(f"A table has more than {MAX_CELLS:,} cells.")
        if is_header and self.headers == len(self.rows):
            self.headers += 1
        self.rows.append(row)
        self.pages.append(page)

    def above(self, column: int) -> str:
        """Return the text in a column of the last row, for a cell that is merged with it."""
        row = self.rows[-1] if self.rows else []
        return _label(row[column]) if column < len(row) else ""

    def _hang(self, row: list[str]) -> None:
        """Add the texts of cells above that also cover the next columns of a row."""
        while len(row) in self._hanging:
            left, text = self._hanging.pop(len(row))
            if left not in {0, 1}:
                self._hanging[len(row)] = (left - 1, text)
            row.append(text)

    @property
    def width(self) -> int:
        """The number of columns."""
        return max(map(len, self.rows), default=0)

    def inline(self) -> str:
        """Return the table on one line, for a table within a cell."""
        lines = [", ".join(row) for row in self._dense().rows]
        return f"[{'; '.join(lines)}]".replace(r"\|", "|") if lines else ""

    def blocks(self, heading: tuple[str, ...], *, caption: str = "") -> Iterator[Block]:
        """Yield the text of the table: one line for each row, or for wide tables one line for each cell.

        Args:
            heading: the headings above it.
            caption: its title, which is repeated with the names of the columns where the table is cut.
        """
        grid = self._dense()
        grid.headers = grid.headers or grid._guessed_headers()
        if len(caption) > MAX_LABEL_CHARS:  # too long to be repeated
            yield Block(caption, heading, next(iter(grid.pages), None))
            caption = ""
        if grid._is_wide():
            yield from grid._records(heading, caption)
            return
        top = [caption, *map(line_of, grid.rows[: grid.headers])]
        header = "\n".join(filter(None, top))[:MAX_HEADER_CHARS]
        for page, numbers in groupby(range(len(grid.rows)), key=grid.pages.__getitem__):
            text = "\n".join([caption] * bool(caption) + [line_of(grid.rows[number]) for number in numbers])
            yield Block(text, heading, page, is_table=True, header=header)
            caption = ""

    def _dense(self) -> "Grid":
        """Return the grid without empty rows and columns."""
        used = sorted({at for row in self.rows for at, text in enumerate(row) if text})
        dense = Grid()
        for number, row in enumerate(self.rows):
            if any(row):
                padded = [row[at] if at < len(row) else "" for at in used]
                dense.rows.append(padded if len(row) > 1 else row)
                dense.pages.append(self.pages[number])
                dense.headers += number < self.headers
        return dense

    def _guessed_headers(self) -> int:
        """Return 1 if the first row looks like the names of the columns."""
        if len(self.rows) < 2 or self.width < 2:
            return 0
        names = self.rows[0][1:]
        return int(all(name and len(name) <= MAX_NAME_CHARS for name in names))

    def _is_wide(self) -> bool:
        if not self.headers or self.width < 2:
            return False
        named = sum(map(len, self.names()))
        longest = max((sum(map(len, row)) for row in self.rows), default=0)
        return self.width > MAX_LINE_COLUMNS or named > MAX_HEADER_CHARS or longest > MAX_LINE_CHARS

    def names(self) -> list[str]:
        """Return the names of the columns; a name in several rows is joined, such as "2025, Sales"."""
        columns = zip_longest(*(row for row in self.rows[: self.headers] if len(row) > 1), fillvalue="")
        return [", ".join(dict.fromkeys(filter(None, column)))[:MAX_NAME_CHARS] for column in columns]

    def _records(self, heading: tuple[str, ...], caption: str) -> Iterator[Block]:
        names = self.names()
        if any(len(name) == MAX_NAME_CHARS for name in names):  # it may be cut
            text = "\n".join(map(line_of, self.rows[: self.headers]))
            yield Block(text, heading, self.pages[0], is_table=True)
        for row, page in zip(self.rows[self.headers :], self.pages[self.headers :], strict=True):
            fields = [f"{name}: {text}" if name else text for name, text in zip(names, row, strict=False) if text]
            label = fields[0] if fields and len(fields[0]) <= MAX_LABEL_CHARS else ""
            header = "\n".join(filter(None, [caption, label]))
            yield Block("\n".join(filter(None, [caption, *fields])), heading, page, is_table=True, header=header)


def cell_text(text: str) -> str:
    """Return the text of a cell on one line; bars are escaped, because they separate cells."""
    return " ".join(text.split()).replace("|", r"\|")


def line_of(row: Sequence[str]) -> str:
    """Return a row as a line; empty cells stay as empty columns."""
    if not any(row):
        return ""
    return SEPARATOR.join(row).replace("|  |", "| |").replace("|  |", "| |").strip()


def _label(text: str) -> str:
    return text if len(text) <= MAX_LABEL_CHARS else text[: MAX_LABEL_CHARS - 1] + "…"
