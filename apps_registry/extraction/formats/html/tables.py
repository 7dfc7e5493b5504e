"""Tables of HTML: which contain data, and their cells."""

from typing import Any

from apps_registry.extraction.tables import Cell, Grid, cell_text

MAX_LAYOUTS = 20  # nested layout tables, as in newsletters; each level is searched again
_MANY_CHARS = 1000


class OpenTable:
    """A table of data while its cells are read."""

    def __init__(self) -> None:
        self.grid, self.caption = Grid(), ""
        self._cells: list[Cell] = []
        self._outside: list[str] = []
        self._names_columns = True

    def begin_cell(self, outside: list[str]) -> list[str]:
        """Keep the text around a cell; return an empty list for the text of the cell."""
        self._outside = outside
        return []

    def end(self, node: Any, pieces: list[str]) -> list[str]:
        """End a cell, a row or the caption; return the list for the text that follows."""
        if node.tag == "tr":
            self._end_row(node)
            return pieces
        text = cell_text("".join(pieces))
        if node.tag == "caption":
            self.caption = text
        else:
            self._cells.append(Cell(text, _span(node, "colspan", 1), _span(node, "rowspan", 1)))
            self._names_columns &= node.tag == "th"
        return self._outside

    def _end_row(self, node: Any) -> None:
        is_header = self._names_columns or (node.parent is not None and node.parent.tag == "thead")
        self.grid.add(self._cells, is_header=is_header)
        self._cells, self._names_columns = [], True


def is_layout(table: Any, *, depth: int) -> bool:
    """Tell whether a table is only for layout, so that its cells are not data.

    Args:
        table: the node.
        depth: how many such tables contain it.
    """
    if depth >= MAX_LAYOUTS or table.attributes.get("role") in {"presentation", "none"}:
        return True
    if table.css_first("th") is not None:
        return False
    if table.css_first("h1, h2, h3, h4, h5, h6") is not None:
        return True
    if len(table.css("tr")) == 1 and table.css_first("pre") is not None:
        return True  # a code listing next to its line numbers
    return table.css_first("td table") is not None and len(table.text()) > _MANY_CHARS


def _span(node: Any, name: str, default: int) -> int:
    value = (node.attributes.get(name) or "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else default
