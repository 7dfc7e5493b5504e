"""PPTX: each slide under its title, with its notes."""

import io
from collections.abc import Iterator
from typing import Any

from pptx import Presentation
from pptx.util import Emu

from apps_registry.extraction.blocks import MAX_HEADING_CHARS, Block, Reading, clean_line
from apps_registry.extraction.formats.packages import OfficePackage
from apps_registry.extraction.tables import Cell, Grid, cell_text

MAX_GROUPS = 20  # nesting of groups
_BAND = Emu(360_000)  # a centimetre: shapes whose tops are in the same band count as one line
_ROW_KINDS = {"sldNum", "dt", "ftr"}


def read(data: bytes) -> Reading:
    """Return the slides in their order; the page is the number of the slide."""
    package, reading = OfficePackage(data, "PPTX"), Reading()
    package.refuse_macros(".pptx")
    if not package.main_part("").startswith("ppt/"):
        package.refuse_other("there is no presentation in it")
    package.check()
    presentation = Presentation(io.BytesIO(data))
    reading.title = clean_line(presentation.core_properties.title or "")
    for number, slide in enumerate(presentation.slides, 1):
        if slide._element.get("show") == "0":
            reading.losses.add("slides", detail=f"slide {number}")
            continue
        _read_slide(slide, number, reading)
    for name in package.names:
        if name.startswith("ppt/comments/"):
            reading.losses.add("comments", package.part(name).count(b"<p:cm "))
    return reading


def _read_slide(slide: Any, number: int, reading: Reading) -> None:
    title = slide.shapes.title
    heading = clean_line(title.text_frame.text) if title is not None else ""
    path = (heading,) if heading else ()
    reading.title = reading.title or heading
    shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    before = len(reading.blocks)
    if len(heading) > MAX_HEADING_CHARS:  # the path of a passage shows its beginning
        reading.add(Block(heading, path, page=number))
    for shape in _flat(sorted(shapes, key=_position), 0):
        for block in _blocks(shape, path, number, reading):
            reading.add(block)
    notes = (
        slide.notes_slide.notes_text_frame.text.strip()
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame
        else ""
    )
    if notes:
        reading.add(Block(f"Notes: {notes}", path, page=number))
    if heading and len(reading.blocks) == before:
        reading.add(Block(heading, path, page=number))  # a slide that is only a title


def _position(shape: Any) -> tuple[int, int]:
    """Return the sort key of a shape: from top to bottom, then from left to right."""
    top, left = shape.top or 0, shape.left or 0
    return int(top) // int(_BAND), int(left)


def _flat(shapes: Any, depth: int) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < MAX_GROUPS:
            yield from _flat(shape.shapes, depth + 1)
        else:
            yield shape


def _blocks(shape: Any, path: tuple[str, ...], number: int, reading: Reading) -> Iterator[Block]:
    if getattr(shape, "has_table", False) and shape.has_table:
        yield from _table(shape.table, number).blocks(path)
    elif getattr(shape, "has_text_frame", False) and shape.has_text_frame:
        if not _repeats(shape):
            yield Block(shape.text_frame.text.replace("\v", "\n").strip(), path, page=number)
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        reading.losses.add("charts")
    elif shape._element.tag.endswith("}pic"):
        reading.losses.add("images")
    elif shape._element.tag.endswith("}graphicFrame"):
        reading.losses.add("charts")


def _repeats(shape: Any) -> bool:
    """Tell whether a shape is the number, the date or the footer that each slide repeats."""
    return any(holder.get("type") in _ROW_KINDS for holder in shape._element.iter("{*}ph"))


def _table(table: Any, number: int) -> Grid:
    grid = Grid()
    for row in table.rows:
        cells: list[Cell] = []
        for column, cell in enumerate(row.cells):
            if cell.is_spanned:
                origin_is_above = cell._tc.get("vMerge") in {"1", "true"}
                text = grid.above(column) if origin_is_above else (cells[-1].text if cells else "")
            else:
                text = cell_text(cell.text_frame.text)
            cells.append(Cell(text))
        grid.add(cells, is_header=bool(table.first_row) and not grid.rows, page=number)
    return grid
