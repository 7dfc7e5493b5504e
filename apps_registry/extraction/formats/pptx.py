"""PPTX: each slide under its title, with its notes."""

import io
from collections.abc import Iterator
from typing import Any

from pptx import Presentation
from pptx.util import Emu

from apps_registry.extraction.blocks import MAX_HEADING_CHARS, Block, Reading, clean_line
from apps_registry.extraction.formats.docx.math import Equation
from apps_registry.extraction.formats.packages import OfficePackage, parse_xml
from apps_registry.extraction.tables import Cell, Grid, cell_text

MAX_GROUPS = 20  # nesting of groups
_BAND = Emu(360_000)  # a centimetre: shapes whose tops are in the same band count as one line
FOOTERS = "Slide footers"
_ROW_KINDS = {"sldNum", "dt", "ftr"}
_NOT_STRUCK = {"", "noStrike"}
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


def read(data: bytes) -> Reading:
    """Return the slides in their order; the page is the number of the slide."""
    package, reading = OfficePackage(data, "PPTX"), Reading()
    package.refuse_macros(".pptx")
    if not package.main_part("").startswith("ppt/"):
        package.refuse_other("there is no presentation in it")
    package.check()
    presentation = Presentation(io.BytesIO(data))
    reading.title = clean_line(presentation.core_properties.title or "")
    footers: dict[str, None] = {}
    for number, slide in enumerate(presentation.slides, 1):
        if slide._element.get("show") == "0":
            reading.losses.add("slides", detail=f"slide {number}")
            continue
        _resolve_alternatives(slide.shapes._spTree)
        footers |= dict.fromkeys(_footers(slide, reading))
        _read_slide(slide, number, reading)
    for footer in footers:
        reading.add(Block(footer, (FOOTERS,)))
    for name in package.names:
        if name.startswith("ppt/comments/"):
            reading.losses.add("comments", sum(1 for _ in parse_xml(package.part(name)).iter("{*}cm")))
    return reading


def _resolve_alternatives(tree: Any) -> None:
    """Replace each choice by its form for newer programs: python-pptx ignores choices, which contain the equations."""
    for choice in [*tree.iter(f"{_COMPATIBILITY}AlternateContent")]:
        shown = choice.find(f"{_COMPATIBILITY}Choice")
        for element in shown if shown is not None else ():
            choice.addprevious(element)
        choice.getparent().remove(choice)


def _footers(slide: Any, reading: Reading) -> Iterator[str]:
    """Yield the footers of a slide that are the same on each one."""
    for shape in slide.placeholders:
        if shape.has_text_frame and any(holder.get("type") == "ftr" for holder in shape._element.iter("{*}ph")):
            yield _text(shape.text_frame, reading).strip()


def _text(frame: Any, reading: Reading) -> str:
    """Return the text of a frame, without what is struck through."""
    return "\n".join("".join(_pieces(paragraph, reading)) for paragraph in frame._txBody.iterchildren("{*}p"))


def _pieces(paragraph: Any, reading: Reading) -> Iterator[str]:
    for part in paragraph:
        text = "".join(inner.text or "" for inner in part.iterchildren("{*}t"))
        look = next(part.iterchildren("{*}rPr"), None)
        if look is not None and look.get("strike", "") not in _NOT_STRUCK:
            reading.strike(text)
        else:
            yield "\n" if part.tag.endswith("}br") else text
        for equation in part.iter("{*}oMath"):
            reading.losses.add("equations")
            yield _line_of(equation)


def _line_of(element: Any) -> str:
    equation = Equation()

    def visit(outer: Any) -> None:
        for inner in outer:
            name = inner.tag.rpartition("}")[2] if isinstance(inner.tag, str) else ""
            equation.start(name, {key.rpartition("}")[2]: value for key, value in inner.attrib.items()})
            equation.add(inner.text or "" if name == "t" else "")
            visit(inner)
            equation.end(name)

    visit(element)
    return equation.line


def _read_slide(slide: Any, number: int, reading: Reading) -> None:
    title = slide.shapes.title
    heading = clean_line(_text(title.text_frame, reading)) if title is not None else ""
    path = (heading,) if heading else ()
    reading.title = reading.title or heading
    shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    before = len(reading.blocks)
    if len(heading) > MAX_HEADING_CHARS:  # the path of a passage shows its beginning
        reading.add(Block(heading, path, page=number))
    for shape in _flat(sorted(shapes, key=_position), 0):
        if _is_hidden(shape):
            reading.hide(" ".join(part.text or "" for part in shape._element.iter("{*}t")))
            continue
        for block in _blocks(shape, path, number, reading):
            reading.add(block)
    notes = (
        _text(slide.notes_slide.notes_text_frame, reading).strip()
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
        yield from _table(shape.table, number, reading).blocks(path)
    elif getattr(shape, "has_text_frame", False) and shape.has_text_frame:
        if not _repeats(shape):
            yield Block(_text(shape.text_frame, reading).strip(), path, page=number)
    else:
        _count(shape, reading)


def _count(shape: Any, reading: Reading) -> None:
    """Count a shape without text."""
    element = shape._element
    is_media = any(True for _ in element.iter("{*}videoFile", "{*}audioFile", "{*}oleObj", "{*}contentPart"))
    if is_media:
        reading.losses.add("objects")
    elif element.tag.endswith("}pic"):
        reading.losses.add("images")
    elif element.tag.endswith("}graphicFrame"):
        reading.losses.add("charts")


def _is_hidden(shape: Any) -> bool:
    return any(names.get("hidden") in {"1", "true"} for names in shape._element.iterfind("./{*}*/{*}cNvPr"))


def _repeats(shape: Any) -> bool:
    """Tell whether a shape is the number, the date or the footer that each slide repeats."""
    return any(holder.get("type") in _ROW_KINDS for holder in shape._element.iter("{*}ph"))


def _table(table: Any, number: int, reading: Reading) -> Grid:
    grid = Grid()
    for row in table.rows:
        cells: list[Cell] = []
        for column, cell in enumerate(row.cells):
            if cell.is_spanned:
                origin_is_above = cell._tc.get("vMerge") in {"1", "true"}
                text = grid.above(column) if origin_is_above else (cells[-1].text if cells else "")
            else:
                text = cell_text(_text(cell.text_frame, reading))
            cells.append(Cell(text))
        grid.add(cells, is_header=bool(table.first_row) and not grid.rows, page=number)
    return grid
