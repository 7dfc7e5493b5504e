"""ODT, ODS and ODP: texts, sheets and slides of OpenDocument."""

from collections.abc import Iterator
from typing import Any

from apps_registry.extraction.blocks import Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats.odf.text import Walker, attribute, local, rows_of
from apps_registry.extraction.formats.packages import Package, parse_xml
from apps_registry.extraction.formats.sheet_tables import tables_of

MAX_EMPTY_ROWS = 1  # of the repeated ones; sheets end with a million
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
            next((each.text or "" for each in parse_xml(package.part("meta.xml")).iter("{*}title")), "")
        )
    walker = Walker(reading, _hidden_styles(content))
    for body in next(content.iter("{*}body"), ()):
        match local(body):
            case "spreadsheet":
                _read_sheets(body, walker, _hidden_tables(content))
            case "presentation":
                _read_slides(body, walker)
            case "text":
                walker.walk(body)
            case _:
                continue
        walker.outline.end()
        return reading
    raise UnreadableError("The OpenDocument file is neither a text, nor a sheet, nor a presentation.")


def _refuse_encrypted(package: Package) -> None:
    if "META-INF/manifest.xml" in package.names and b"encryption-data" in package.part("META-INF/manifest.xml"):
        raise UnreadableError("The file is behind a password; save it without one.")


def _hidden_styles(content: Any) -> set[str]:
    """Return the styles whose text is not shown (fo: display none)."""
    return {
        attribute(style, "name")
        for style in content.iter("{*}style")
        if any(attribute(look, "display") == "none" for look in style.iter("{*}text-properties"))
    }


def _hidden_tables(content: Any) -> set[str]:
    return {
        attribute(style, "name")
        for style in content.iter("{*}style")
        if any(attribute(look, "display") == "false" for look in style.iter("{*}table-properties"))
    }


def _read_sheets(body: Any, walker: Walker, hidden: set[str]) -> None:
    reading = walker.reading
    for table in body.iterchildren("{*}table"):
        name = clean_line(attribute(table, "name"))
        if attribute(table, "style-name") in hidden:
            reading.losses.add("sheets", detail=name)
            continue
        for block in tables_of(_sheet_rows(table, walker), (name,)):
            reading.add(block)
        reading.losses.add("objects", sum(1 for _ in table.iter("{*}object")))
        reading.losses.add("images", sum(1 for _ in table.iter("{*}image")))


def _sheet_rows(table: Any, walker: Walker) -> Iterator[tuple[list[str], bool]]:
    last = walker.grid(())
    for row, _ in rows_of(table):
        texts = [cell.text for cell in walker.cells(row, last)]
        while texts and not texts[-1]:
            texts.pop()
        has_numbers = any(attribute(cell, "value-type") in _NUMBERS for cell in row)
        repeated = attribute(row, "number-rows-repeated", "1")
        count = int(repeated) if repeated.isdecimal() and len(repeated) < 8 else 1
        for _ in range(count if texts else min(count, MAX_EMPTY_ROWS)):
            yield list(texts), has_numbers
        if texts:
            last.rows = [texts]


def _read_slides(body: Any, walker: Walker) -> None:
    for number, page in enumerate(body.iterchildren("{*}page"), 1):
        walker.page = number
        title = next((frame for frame in page.iter("{*}frame") if attribute(frame, "class") == "title"), None)
        heading = clean_line(" ".join(walker.text(each) for each in title.iter("{*}p"))) if title is not None else ""
        if title is not None:
            title.getparent().remove(title)
        walker.reading.title = walker.reading.title or heading
        if heading:
            walker.outline.begin(1, heading)
        before = len(walker.reading.blocks)
        walker.walk(page)
        for notes in page.iterchildren("{*}notes"):
            text = "\n".join(filter(None, (walker.text(each).strip() for each in notes.iter("{*}p"))))
            if text:
                walker.reading.add(Block(f"Notes: {text}", walker.outline.path, page=number))
        if heading and len(walker.reading.blocks) == before:
            walker.reading.add(Block(heading, walker.outline.path, page=number))
