"""DOCX: the text that a reader of the document sees, under its headings.

This is our own stream parser. python-docx 1.2 does not resolve the inherited styles that we need, does not read
automatic numbers, notes, text boxes, equations or hidden text, and builds the whole tree, which takes 1.1 GB for a
hostile file.
"""

from apps_registry.extraction.blocks import Block, Reading
from apps_registry.extraction.formats.docx.body import Body
from apps_registry.extraction.formats.docx.numbering import Numbering
from apps_registry.extraction.formats.docx.styles import Styles
from apps_registry.extraction.formats.docx.writer import Notes
from apps_registry.extraction.formats.docx.xml import Attributes, WordPackage, parse

NOTE_KINDS = ("footnote", "endnote")
AROUND_PAGES = "Page headers and footers"


def read(data: bytes) -> Reading:
    """Return the document's text, with page numbers where Word recorded its last layout."""
    package, reading = WordPackage(data), Reading()
    styles = Styles(_first(package, "styles"))
    notes: Notes = {}
    for kind in NOTE_KINDS:
        for name in package.parts(f"{kind}s"):
            body = Body(reading, styles, Numbering(_first(package, "numbering")), notes_of=kind)
            parse(package.part(name), body.start, body.end, body.characters)
            notes |= body.notes
    body = Body(reading, styles, Numbering(_first(package, "numbering")), notes=notes)
    parse(package.part(package.main), body.start, body.end, body.characters)
    body.finish()
    _read_around_pages(package, styles, reading)
    _count_comments(package, reading)
    return reading


def _first(package: WordPackage, kind: str) -> bytes:
    names = package.parts(kind)
    return package.part(names[0]) if names else b""


def _read_around_pages(package: WordPackage, styles: Styles, reading: Reading) -> None:
    """Add headers and footers, each text once; those of the first page and of even pages often repeat it."""
    seen: set[str] = set()
    for name in [*package.parts("header"), *package.parts("footer")]:
        inner = Reading()
        body = Body(inner, styles, Numbering())
        parse(package.part(name), body.start, body.end, body.characters)
        reading.take_losses(inner)
        for block in inner.blocks:
            key = "".join(character for character in block.text if character.isalpha())
            if key and key not in seen:  # a page number alone is not content
                seen.add(key)
                reading.add(Block(block.text, (AROUND_PAGES,)))


def _count_comments(package: WordPackage, reading: Reading) -> None:
    def start(name: str, _: Attributes) -> None:
        reading.losses.add("comments", name == "comment")

    for name in package.parts("comments"):
        parse(package.part(name), start)
