"""ODT, ODS and ODP: texts, sheets and slides of OpenDocument."""

from collections.abc import Iterator
from typing import Any

from apps_registry.extraction.blocks import Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats.odf.looks import Looks
from apps_registry.extraction.formats.odf.names import attribute, count, local
from apps_registry.extraction.formats.odf.text import Walker, is_hidden, rows_of
from apps_registry.extraction.formats.packages import Package, parse_xml
from apps_registry.extraction.formats.sheet_tables import tables_of
from apps_registry.extraction.tables import MAX_SPAN

AROUND_PAGES = "Page headers and footers"
MAX_EMPTY_ROWS = 1  # of a repeated empty row; sheets often end with a million of them
_NUMBERS = {"float", "percentage", "currency", "date", "time"}


def read(data: bytes) -> Reading:
    """Return the text under its headings, the sheets under their names, or the slides under their titles."""
    package, reading = Package(data, "OpenDocument"), Reading()
    if "content.xml" not in package.names:
        package.refuse_other("there is no document in it")
    _refuse_encrypted(package)
    content = parse_xml(package.part("content.xml"))
    if "meta.xml" in package.names:
        reading.title = clean_line(
            next((title.text or "" for title in parse_xml(package.part("meta.xml")).iter("{*}title")), "")
        )
    looks = Looks()
    styles = parse_xml(package.part("styles.xml")) if "styles.xml" in package.names else None
    for root in (content, styles):
        if root is not None:
            looks.add(root)
    walker = Walker(reading, looks)
    for body in next(content.iter("{*}body"), ()):
        match local(body):
            case "spreadsheet":
                _read_sheets(body, walker)
            case "presentation":
                _read_slides(body, walker)
            case "text":
                walker.walk(body)
                _read_around_pages(styles, walker)
            case _:
                continue
        walker.outline.end()
        return reading
    raise UnreadableError("The OpenDocument file is neither a text, nor a sheet, nor a presentation.")


def _refuse_encrypted(package: Package) -> None:
    if "META-INF/manifest.xml" in package.names and b"encryption-data" in package.part("META-INF/manifest.xml"):
        raise UnreadableError("The file is protected by a password; save it without one.")


def _read_around_pages(styles: Any, walker: Walker) -> None:
    """Add headers and footers, each text once."""
    parts = styles.iter("{*}header", "{*}footer") if styles is not None else ()
    texts = [walker.text(paragraph).strip() for part in parts for paragraph in part.iter("{*}p", "{*}h")]
    for text in dict.fromkeys(text for text in texts if any(map(str.isalpha, text))):
        walker.reading.add(Block(text, (AROUND_PAGES,)))


def _read_sheets(body: Any, walker: Walker) -> None:
    reading = walker.reading
    for table in body.iterchildren("{*}table"):
        name = clean_line(attribute(table, "name"))
        if not walker.looks.shows("table", table):
            reading.losses.add("sheets", detail=name)
            continue
        for block in tables_of(_sheet_rows(table, walker), (name,)):
            reading.add(block)
        objects = sum(1 for _ in table.iter("{*}object", "{*}object-ole"))
        reading.losses.add("objects", objects)
        reading.losses.add("images", max(0, sum(1 for _ in table.iter("{*}image")) - objects))  # cached substitutes
        for shape in table.iter("{*}custom-shape", "{*}text-box"):
            text = "\n".join(filter(None, map(walker.text, shape.iter("{*}p"))))
            reading.losses.add("text_boxes", bool(text))
            reading.add(Block(text, (name,)))


def _sheet_rows(table: Any, walker: Walker) -> Iterator[tuple[list[str], bool]]:
    last = walker.grid(())
    hidden_columns = _hidden_columns(table)
    for row, _ in rows_of(table):
        texts = [cell.text for cell in walker.cells(row, last)]
        hidden = [text for at, text in enumerate(texts) if text and (is_hidden(row) or at in hidden_columns)]
        if hidden:
            walker.reading.hide(" | ".join(hidden))
        if is_hidden(row):
            continue
        texts = [text for at, text in enumerate(texts) if at not in hidden_columns]
        while texts and not texts[-1]:
            texts.pop()
        has_numbers = any(attribute(cell, "value-type") in _NUMBERS for cell in row)
        repeated = count(row, "number-rows-repeated")
        for _ in range(repeated if texts else min(repeated, MAX_EMPTY_ROWS)):
            yield list(texts), has_numbers
        if texts:
            last.rows = [texts]


def _hidden_columns(table: Any) -> set[int]:
    hidden: set[int] = set()
    at = 0
    for column in table.iter("{*}table-column"):
        repeated = min(count(column, "number-columns-repeated"), MAX_SPAN)
        hidden |= set(range(at, at + repeated)) if is_hidden(column) else set()
        at += repeated
    return hidden


def _read_slides(body: Any, walker: Walker) -> None:
    for number, page in enumerate(body.iterchildren("{*}page"), 1):
        if not walker.looks.shows("drawing-page", page):
            walker.reading.losses.add("slides", detail=f"slide {number}")
            continue
        walker.page = number
        title = next((frame for frame in page.iter("{*}frame") if attribute(frame, "class") == "title"), None)
        heading = clean_line(" ".join(map(walker.text, title.iter("{*}p")))) if title is not None else ""
        if title is not None:
            title.getparent().remove(title)
        walker.reading.title = walker.reading.title or heading
        if heading:
            walker.outline.begin(1, heading)
        before = len(walker.reading.blocks)
        walker.walk(page)
        for notes in page.iterchildren("{*}notes"):
            text = "\n".join(filter(None, (walker.text(paragraph).strip() for paragraph in notes.iter("{*}p"))))
            if text:
                walker.reading.add(Block(f"Notes: {text}", walker.outline.path, page=number))
        if heading and len(walker.reading.blocks) == before:
            walker.reading.add(Block(heading, walker.outline.path, page=number))
