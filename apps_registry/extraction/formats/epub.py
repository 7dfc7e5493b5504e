"""EPUB: the chapters in their order (https://www.w3.org/TR/epub-33)."""

import posixpath
import re
from typing import Any
from urllib.parse import unquote

from apps_registry.extraction.blocks import Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats import html
from apps_registry.extraction.formats.packages import Package, parse_xml
from apps_registry.extraction.formats.text import decode

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
_SHEET = re.compile(
    r"<link\b(?=[^>]*\brel\s*=\s*[\"']?stylesheet\b)[^>]*?\bhref\s*=\s*(?:\"([^\"]+)\"|'([^']+)')", re.IGNORECASE
)
MAX_HEAD_CHARS, MAX_SHEETS = 20_000, 10
_PAGES = {"application/xhtml+xml", "text/html"}


def read(data: bytes) -> Reading:
    """Return the chapters; raises UnreadableError if the book is protected."""
    package, reading = Package(data, "EPUB"), Reading()
    if CONTAINER not in package.names:
        package.refuse_other("there is no book in it")
    root_file = next(parse_xml(package.part(CONTAINER)).iter("{*}rootfile"), None)
    main = root_file.get("full-path", "") if root_file is not None else ""
    if main not in package.names:
        raise UnreadableError("The EPUB is damaged: its list of chapters is missing.")
    book = parse_xml(package.part(main))
    reading.title = clean_line(next((title.text or "" for title in book.iter("{*}title")), ""))
    chapters = _chapters(book, posixpath.dirname(main))
    _refuse_protected(package, chapters)
    for name in chapters:
        _read_chapter(package, name, reading)
    return reading


def _chapters(book: Any, folder: str) -> list[str]:
    """Return the names of the parts in reading order."""
    items = {item.get("id"): item for item in book.iter("{*}item")}
    ordered = [items[entry.get("idref")] for entry in book.iter("{*}itemref") if entry.get("idref") in items]
    pages = [
        item for item in ordered if item.get("media-type") in _PAGES and "nav" not in (item.get("properties") or "")
    ]
    return [posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "")))) for item in pages]


def _refuse_protected(package: Package, chapters: list[str]) -> None:
    if ENCRYPTION in package.names:
        locked = {
            unquote(reference.get("URI", ""))
            for reference in parse_xml(package.part(ENCRYPTION)).iter("{*}CipherReference")
        }
        if locked & set(chapters):
            raise UnreadableError("The book is protected (DRM) and cannot be read.")


def _read_chapter(package: Package, name: str, reading: Reading) -> None:
    if name not in package.names:
        reading.losses.add("parts", detail=posixpath.basename(name))
        return
    try:
        page = decode(package.part(name), reading.losses, declares=True)
        chapter = html.read_page(page, sheets=_sheets(package, name, page))
    except UnreadableError:
        reading.losses.add("parts", detail=posixpath.basename(name))
        return
    reading.take_losses(chapter)
    for block in chapter.blocks:
        heading = block.heading or ((chapter.title,) if chapter.title and chapter.title != reading.title else ())
        reading.add(Block(block.text, heading, is_table=block.is_table, header=block.header))


def _sheets(package: Package, chapter: str, page: str) -> list[str]:
    """Return the style sheets that a chapter links."""
    links = [href or other for href, other in _SHEET.findall(page[:MAX_HEAD_CHARS])][:MAX_SHEETS]
    names = [posixpath.normpath(posixpath.join(posixpath.dirname(chapter), unquote(link))) for link in links]
    return [package.part(name).decode("utf-8", "replace") for name in names if name in package.names]
