"""The text of an OpenDocument body: paragraphs, headings, lists, tables and notes (ODF 1.3)."""

from collections.abc import Iterator
from typing import Any

from apps_registry.extraction.blocks import Block, Outline, Reading, clean_line
from apps_registry.extraction.tables import MAX_SPAN, Cell, Grid, cell_text

MAX_REPEATS = 1000
_SKIPPED = {"tracked-changes", "annotation", "annotation-end", "sequence-decls", "forms", "alphabetical-index"}
_LOST = {"image": "images", "object": "objects", "object-ole": "objects", "plugin": "objects"}
_INDEXES = {"table-of-content", "illustration-index", "table-index", "user-index"}


def local(element: Any) -> str:
    """Return the name of an element without its namespace; empty for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name without its namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), default)


class Walker:
    """Adds the text of elements to a reading."""

    def __init__(self, reading: Reading, hidden_styles: set[str]) -> None:
        """Begin; `hidden_styles` are the names of styles whose text is not shown."""
        self.reading, self.hidden_styles = reading, hidden_styles
        self.outline = Outline(reading)
        self.page: int | None = None
        self._notes: list[Any] = []

    def walk(self, parent: Any) -> None:
        """Add the blocks within an element; libxml2 limits the depth."""
        for element in parent:
            match local(element):
                case "h":
                    self._heading(element)
                case "p":
                    self._paragraph(element)
                case "table":
                    self._table(element)
                case name if name in _SKIPPED or name in _INDEXES:
                    self.reading.losses.add("deleted", name == "tracked-changes" and len(element))
                case name if name in _LOST:
                    self.reading.losses.add(_LOST[name])
                case "notes":
                    continue
                case _:
                    self.walk(element)

    def _heading(self, element: Any) -> None:
        level = attribute(element, "outline-level", "1")
        if text := clean_line(self.text(element)):
            self.outline.begin(int(level) if level.isdecimal() and len(level) < 3 else 1, text)
            self.reading.title = self.reading.title or text
        self._add_notes()

    def _paragraph(self, element: Any) -> None:
        text = self.text(element).strip()
        if attribute(element, "style-name") == "Title" and not self.reading.title:
            self.reading.title = clean_line(text)
        self.reading.add(Block(text, self.outline.path, page=self.page))
        self._add_notes()

    def _add_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            text = " ".join(self.text(paragraph) for paragraph in note.iter("{*}p"))
            self.reading.add(Block(text, self.outline.path, page=self.page))

    def text(self, element: Any) -> str:
        """Return the text of a paragraph; hidden text is left out, and notes wait for its end."""
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> Iterator[str]:
        yield element.text or ""
        for inner in element:
            yield from self._inner(inner)
            yield inner.tail or ""

    def _inner(self, element: Any) -> Iterator[str]:
        name = local(element)
        if attribute(element, "style-name") in self.hidden_styles or name in {"hidden-text", "hidden-paragraph"}:
            self.reading.hide("".join(element.itertext()) or attribute(element, "string-value"))
            return
        match name:
            case "s":
                yield " " * min(int(attribute(element, "c", "1") or 1), MAX_REPEATS)
            case "tab":
                yield "\t"
            case "line-break":
                yield "\n"
            case "note":
                self._notes += element.iter("{*}note-body")
            case "annotation":
                self.reading.losses.add("comments")
            case "text-box":
                self.reading.losses.add("text_boxes")
                yield "\n".join(["", *(self.text(paragraph) for paragraph in element.iter("{*}p", "{*}h")), ""])
            case _ if name in _LOST:
                self.reading.losses.add(_LOST[name])
            case _ if name not in _SKIPPED and name not in {"title", "desc", "ruby-text"}:
                yield from self._pieces(element)

    def _table(self, element: Any) -> None:
        for block in self.grid(element).blocks(self.outline.path):
            self.reading.add(Block(block.text, block.heading, self.page, is_table=True, header=block.header))
        self._add_notes()

    def grid(self, table: Any) -> Grid:
        """Return the cells of a table."""
        grid = Grid()
        for row, is_header in rows_of(table):
            cells = list(self.cells(row, grid))
            if not any(cell.text for cell in cells):
                continue
            for _ in range(min(_count(row, "number-rows-repeated"), MAX_REPEATS)):
                grid.add(cells, is_header=is_header, page=self.page)
        return grid

    def cells(self, row: Any, grid: Grid) -> Iterator[Cell]:
        """Yield the cells of a row; a cell that a merged cell covers gets its text."""
        column, spanned, text = 0, 0, ""
        for cell in row:
            name = local(cell)
            if name not in {"table-cell", "covered-table-cell"}:
                continue
            if name == "table-cell":
                text, spanned = self._cell(cell), _count(cell, "number-columns-spanned")
            for _ in range(min(_count(cell, "number-columns-repeated"), MAX_SPAN)):
                if name == "table-cell":
                    yield Cell(text)
                else:
                    spanned -= 1
                    yield Cell(text if spanned > 0 else grid.above(column))
                column += 1

    def _cell(self, cell: Any) -> str:
        pieces = []
        for inner in cell:
            if local(inner) == "table":
                pieces.append(self.grid(inner).inline())
            elif local(inner) == "annotation":
                self.reading.losses.add("comments")
            else:
                pieces += [self.text(part) for part in inner.iter("{*}p", "{*}h")]
        return cell_text(" ".join(pieces))


def rows_of(table: Any) -> Iterator[tuple[Any, bool]]:
    """Yield the visible rows of a table, and whether they name the columns."""
    for element in table:
        match local(element):
            case "table-row" if attribute(element, "visibility", "visible") == "visible":
                yield element, False
            case "table-header-rows":
                for row, _ in rows_of(element):
                    yield row, True
            case "table-rows" | "table-row-group":
                yield from rows_of(element)


def _count(element: Any, name: str) -> int:
    value = attribute(element, name, "1")
    return int(value) if value.isdecimal() and len(value) < 8 else 1
