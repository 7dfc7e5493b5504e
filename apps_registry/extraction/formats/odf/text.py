"""The text of an OpenDocument body: paragraphs, headings, lists, tables and notes (ODF 1.3)."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from apps_registry.extraction.blocks import Block, Outline, Reading, clean_line
from apps_registry.extraction.formats.odf.looks import Looks
from apps_registry.extraction.formats.odf.names import attribute, count, local
from apps_registry.extraction.formats.xlsx.number_formats import plain_number
from apps_registry.extraction.tables import MAX_SPAN, Cell, Grid, cell_text

MAX_REPEATS = 1000
_SKIPPED = {"annotation-end", "sequence-decls", "forms", "alphabetical-index"}
_LOST = {"image": "images", "object": "objects", "object-ole": "objects", "plugin": "objects"}
_INDEXES = {"table-of-content", "illustration-index", "table-index", "user-index"}


class Walker:
    """Adds the text of elements to a reading."""

    def __init__(self, reading: Reading, looks: Looks) -> None:
        """Begin a reading; `looks` are the styles of the document."""
        self.reading, self.looks = reading, looks
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
                case name if self._leaves_out(name, element):
                    continue
                case "notes":
                    continue
                case _:
                    self.walk(element)

    def _leaves_out(self, name: str, element: Any) -> bool:
        """Tell whether an element contains no text of the document, and count its content as a loss."""
        losses = self.reading.losses
        match name:
            case "tracked-changes":
                for deletion in element.iter("{*}deletion"):
                    self.reading.strike(" ".join(map(self.text, deletion.iter("{*}p", "{*}h"))))
            case "section" if attribute(element, "display") == "none":
                self.reading.hide(" ".join("".join(part.itertext()) for part in element.iter("{*}p", "{*}h")))
            case "frame" if _is_object(element):
                losses.add("objects")
            case "annotation":
                losses.add("comments")
            case _ if name in _LOST:
                losses.add(_LOST[name])
            case _:
                return name in _SKIPPED or name in _INDEXES
        return True

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
        """Return the text of a paragraph; hidden and struck text is left out, and notes are added after its end."""
        if self._is_left_out(element):
            return ""
        return "".join(self._pieces(element))

    def _is_left_out(self, element: Any) -> bool:
        """Tell whether the style of an element hides its text or strikes it through; if so, list the text."""
        if self.looks.hides(element):
            self.reading.hide("".join(element.itertext()))
            return True
        if not self.looks.strikes(element):
            return False
        self.reading.strike("".join(element.itertext()))
        return True

    def _pieces(self, element: Any) -> Iterator[str]:
        yield element.text or ""
        for inner in element:
            yield from self._inner(inner)
            yield inner.tail or ""

    def _inner(self, element: Any) -> Iterator[str]:
        name = local(element)
        if name in {"hidden-text", "hidden-paragraph"}:
            self.reading.hide("".join(element.itertext()) or attribute(element, "string-value"))
            return
        if self._is_left_out(element):
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
            case "frame" if _is_object(element):
                self.reading.losses.add("objects")
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
            if is_hidden(row):
                self.reading.hide(" | ".join(filter(None, (cell.text for cell in cells))))
                continue
            for _ in range(min(count(row, "number-rows-repeated"), MAX_REPEATS)):
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
                text, spanned = self._cell(cell), count(cell, "number-columns-spanned")
            for _ in range(min(count(cell, "number-columns-repeated"), MAX_SPAN)):
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
        text = cell_text(" ".join(pieces)) or cell_text(_value(cell))
        self.reading.losses.add("formulas", not text and bool(attribute(cell, "formula")))
        if text and self.looks.strikes(cell):
            self.reading.strike(text)
            return ""
        return text


def rows_of(table: Any) -> Iterator[tuple[Any, bool]]:
    """Yield the rows of a table, also hidden ones, and whether they name the columns."""
    for element in table:
        match local(element):
            case "table-row":
                yield element, False
            case "table-header-rows":
                for row, _ in rows_of(element):
                    yield row, True
            case "table-rows" | "table-row-group":
                yield from rows_of(element)


def is_hidden(row: Any) -> bool:
    """Tell whether a row or a column is hidden, by hand or by a filter."""
    return attribute(row, "visibility", "visible") != "visible"


def _is_object(frame: Any) -> bool:
    """Tell whether a frame contains an object; its picture then is only a preview."""
    return any(local(inner) in {"object", "object-ole"} for inner in frame)


def _value(cell: Any) -> str:
    """Return the value of a cell without a stored text, as simple programs write it."""
    kind, value = attribute(cell, "value-type"), attribute(cell, "value")
    with suppress(ValueError):
        if kind == "percentage":
            return f"{plain_number(float(value) * 100)}%"
    if kind in {"float", "currency"}:
        return f"{value} {attribute(cell, 'currency')}".strip()
    return attribute(cell, f"{kind}-value") if kind else ""
