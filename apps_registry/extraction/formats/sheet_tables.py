"""The tables of a sheet: titles above them, the names of their columns, and their rows."""

from collections.abc import Iterable, Iterator

from apps_registry.extraction.blocks import Block
from apps_registry.extraction.tables import Cell, Grid

MAX_NAME_CHARS = 100


def tables_of(rows: Iterable[tuple[list[str], bool]], heading: tuple[str, ...]) -> Iterator[Block]:
    """Yield the tables of a sheet.

    Args:
        rows: the texts of the cells of each row, and whether the row holds numbers or dates.
        heading: the sheet's name.
    """
    table = _Table()
    after_gap = True
    for texts, has_numbers in rows:
        if not any(texts):
            after_gap = True
            continue
        names_columns = (
            not has_numbers and sum(map(bool, texts)) > 1 and all(len(text) <= MAX_NAME_CHARS for text in texts)
        )
        is_title = sum(map(bool, texts)) == 1
        if after_gap and table.has_numbers and (names_columns or is_title):
            yield from table.blocks(heading)
            table = _Table()
        table.add(texts, is_title=is_title, names_columns=names_columns, has_numbers=has_numbers)
        after_gap = False
    yield from table.blocks(heading)


class _Table:
    """A table while its rows are read."""

    def __init__(self) -> None:
        self.grid, self.titles = Grid(), list[str]()
        self.has_numbers = False

    def add(self, texts: list[str], *, is_title: bool, names_columns: bool, has_numbers: bool) -> None:
        if is_title and not self.grid.rows:
            self.titles.append(next(filter(None, texts)))
            return
        self.has_numbers |= has_numbers
        # Rows of names above the first row of values, such as years above quarters.
        is_header = names_columns and not self.has_numbers and len(self.grid.rows) < 1
        self.grid.add((Cell(text) for text in texts), is_header=is_header)

    def blocks(self, heading: tuple[str, ...]) -> Iterator[Block]:
        if self.grid.rows:
            yield from self.grid.blocks(heading, caption="\n".join(self.titles))
        elif self.titles:  # a sheet of one column
            for title in self.titles:
                self.grid.add([Cell(title)])
            yield from self.grid.blocks(heading)
