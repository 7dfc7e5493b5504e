"""XLSX: the visible cells of each sheet; each part of a table repeats the names of its columns."""

import io
from collections.abc import Iterator
from typing import Any

from openpyxl import load_workbook

from apps_registry.extraction.blocks import Block, Reading, clean_line
from apps_registry.extraction.formats.packages import OfficePackage, parse_xml
from apps_registry.extraction.formats.sheet_tables import tables_of
from apps_registry.extraction.formats.xlsx.cells import Look, shown_cell
from apps_registry.extraction.formats.xlsx.layout import Layout, scan
from apps_registry.extraction.tables import cell_text

STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
_LOST = (
    ("xl/media/", "images"),
    ("xl/charts/chart", "charts"),
    ("xl/diagrams/data", "charts"),
    ("xl/embeddings/", "objects"),
)


def read(data: bytes) -> Reading:
    """Return the sheets; hidden sheets, rows and columns are left out and reported."""
    package, reading = OfficePackage(data, "XLSX"), Reading()
    package.refuse_macros(".xlsx")
    main = package.main_part("xl/workbook.xml")
    if main not in package.names or not main.startswith("xl/"):
        package.refuse_other("there is no workbook in it")
    package.check()
    names = package.names
    if STRICT in package.part(main):
        data = package.transitional()
        package = OfficePackage(data, "XLSX")
    paths = _sheet_paths(package, main)
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False, rich_text=True)
    reading.title = clean_line(book.properties.title or "")
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            reading.losses.add("sheets", detail=sheet.title)
            continue
        layout = scan(package.part(paths[sheet.title])) if sheet.title in paths else Layout()
        reading.losses.add("formulas", layout.uncomputed)
        _read_sheet(sheet, layout, reading)
        for text in _shapes(package, paths.get(sheet.title, "")):
            reading.losses.add("text_boxes")
            reading.add(Block(text, (clean_line(sheet.title),)))
    for beginning, code in _LOST:
        reading.losses.add(code, sum(name.startswith(beginning) for name in names))
    for name in names:
        if name.startswith("xl/comments"):
            reading.losses.add("comments", sum(1 for _ in parse_xml(package.part(name)).iter("{*}comment")))
    return reading


def _sheet_paths(package: OfficePackage, main: str) -> dict[str, str]:
    """Return the part of each sheet by its name."""
    targets = {id_: name for _, name, id_ in package.relations(main)}
    paths = {}
    for sheet in parse_xml(package.part(main)).iter("{*}sheet"):
        relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
        if targets.get(relation) in package.names:
            paths[sheet.get("name", "")] = targets[relation]
    return paths


def _shapes(package: OfficePackage, sheet: str) -> Iterator[str]:
    """Yield the texts of the shapes on a sheet."""
    drawings = [name for kind, name, _ in package.relations(sheet) if kind == "drawing" and name in package.names]
    for shape in (shape for name in drawings for shape in parse_xml(package.part(name)).iter("{*}txBody")):
        text = "\n".join(
            "".join(part.text or "" for part in paragraph.iter("{*}t")) for paragraph in shape.iter("{*}p")
        ).strip()
        if text:
            yield text


def _read_sheet(sheet: Any, layout: Layout, reading: Reading) -> None:
    heading = (clean_line(sheet.title),)
    for block in tables_of(_rows(sheet, layout, reading), heading):
        reading.add(block)


def _rows(sheet: Any, layout: Layout, reading: Reading) -> Iterator[tuple[list[str], bool]]:
    """Yield the visible rows, and whether a row holds numbers or dates."""
    sheet.reset_dimensions()  # programs write wrong dimensions
    above: dict[tuple[int, int], str] = {}  # (first row, first column) of merged cells -> text
    looks: dict[int, Look] = {}  # a sheet has few looks and up to a million cells
    for number, row in enumerate(sheet.iter_rows(), 1):
        texts = [cell_text(shown_cell(cell, looks, reading)) for cell in row]
        has_numbers = any(isinstance(cell.value, int | float) or getattr(cell, "is_date", False) for cell in row)
        _fill_merges(texts, number, layout, above)
        visible = [text for column, text in enumerate(texts, 1) if not layout.hides_column(column)]
        if number in layout.hidden_rows:
            reading.hide(" | ".join(filter(None, texts)))
            continue
        if layout.hidden_columns:
            hidden = (text for column, text in enumerate(texts, 1) if layout.hides_column(column))
            reading.hide(" | ".join(filter(None, hidden)))
        yield visible, has_numbers


def _fill_merges(texts: list[str], row: int, layout: Layout, above: dict[tuple[int, int], str]) -> None:
    for first, last, first_row in layout.merges.get(row, ()):
        if row == first_row and first <= len(texts):
            above[first_row, first] = texts[first - 1]
        covers_all = first == 1 and last >= len(texts) and first_row == row
        for column in range(first, first if covers_all else min(last, len(texts)) + 1):
            texts[column - 1] = above.get((first_row, first), "")
