"""DOCX: paragraphs and tables under their headings. Office Open XML is a zip of XML parts (ECMA-376).

By hand, as a stream of events: python-docx 1.2 builds the whole tree, which takes 1.1 GB for a file made to do so.
"""

import io
import re
import zipfile
from collections.abc import Callable
from xml.parsers import expat

from apps_registry.extraction.blocks import (
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    MIN_BYTES_FOR_RATIO,
    Block,
    Reading,
    UnreadableError,
    clean_line,
    under,
)

MAX_PARTS = 5000
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_HEADING_NAME = re.compile(r"heading ([1-9])\Z", re.IGNORECASE)

Attributes = dict[str, str]


def read(data: bytes) -> Reading:
    """Return the document's text; pages as Word last laid them out, where it noted them."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        old = "It is a .doc of old Word; save it as .docx." if data[:4] == b"\xd0\xcf\x11\xe0" else "It may be damaged."
        raise UnreadableError(f"The file's name says DOCX, but its content is not one. {old}") from None
    names = archive.namelist()
    if len(names) > MAX_PARTS:
        raise UnreadableError(f"The DOCX has {len(names):,} parts, more than any real one.")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UnreadableError("The document holds macros: save it without them, as a plain .docx.")
    if "word/document.xml" not in names:
        raise UnreadableError("The file's name says DOCX, but there is no Word document in it.")
    levels = _Styles(_part(archive, "word/styles.xml")).levels if "word/styles.xml" in names else {}
    reading = Reading()
    body = _Body(reading, levels)
    for name in ("word/document.xml", "word/footnotes.xml"):
        if name in names:
            body.parse(_part(archive, name))
    return body.finish()


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return one part, never more than its limit whatever its header claims."""
    info = archive.getinfo(name)
    limit = MAX_UNPACKED_BYTES
    if info.compress_size:
        limit = min(limit, max(MIN_BYTES_FOR_RATIO, info.compress_size * MAX_RATIO))
    with archive.open(info) as part:
        content = part.read(limit + 1)
    if len(content) > limit:
        raise UnreadableError("The document unpacks to far more than its size; it looks like a zip bomb.")
    return content


def _parser(start: Callable[[str, Attributes], None]) -> expat.XMLParserType:
    """Return an XML parser that refuses document type declarations, and with them all entities."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise UnreadableError("The document declares XML entities, which no real one does.")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.buffer_text = True
    return parser


class _Styles:
    """Which paragraph styles are headings: their ids are translated, their names are not."""

    def __init__(self, part: bytes) -> None:
        self.levels: dict[str, int] = {}
        self._style = ""
        _parser(self._start).Parse(part, True)

    def _start(self, name: str, attributes: Attributes) -> None:
        value = attributes.get(f"{_WORD}val", "")
        if name == f"{_WORD}style":
            self._style = attributes.get(f"{_WORD}styleId", "")
        elif name == f"{_WORD}name" and (match := _HEADING_NAME.match(value)):
            self.levels[self._style] = int(match[1])
        elif name == f"{_WORD}name" and value.lower() == "title":
            self.levels[self._style] = 0


class _Body:
    """The text of a part, paragraph by paragraph."""

    def __init__(self, reading: Reading, levels: dict[str, int]) -> None:
        self.reading, self.levels = reading, levels
        self.heading: tuple[str, ...] = ()
        self.page, self.has_pages = 1, False
        self.text: list[str] = []
        self.hidden: list[str] = []
        self.row: list[str] = []
        self.level: int | None = None
        self.in_text = self.is_vanished = False
        self.tables = 0

    def parse(self, part: bytes) -> None:
        parser = _parser(self._start)
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(part, True)

    def finish(self) -> Reading:
        if not self.has_pages:
            self.reading.blocks = [Block(block.text, block.heading) for block in self.reading.blocks]
        return self.reading

    def _start(self, name: str, attributes: Attributes) -> None:
        value = attributes.get(f"{_WORD}val", "")
        match name.removeprefix(_WORD):
            case "t":
                self.in_text = True
            case "r":
                self.is_vanished = False
            case "vanish":
                self.is_vanished = value not in {"0", "false"}
            case "pStyle":
                self.level = self.levels.get(value)
            case "tab":
                self.text.append("\t")
            case "br":
                self.text.append("\n")
            case "lastRenderedPageBreak":
                self.page, self.has_pages = self.page + 1, True
            case "tbl":
                self.tables += 1

    def _characters(self, text: str) -> None:
        if self.in_text:
            (self.hidden if self.is_vanished else self.text).append(text)

    def _end(self, name: str) -> None:
        match name.removeprefix(_WORD):
            case "t":
                self.in_text = False
            case "p":
                self._end_paragraph()
            case "tc" if self.tables == 1:
                self.row.append(" ".join(self.text).strip())
                self.text.clear()
            case "tr" if self.tables == 1:
                self.reading.add(Block(" | ".join(filter(None, self.row)), self.heading, page=self.page))
                self.row.clear()
            case "tbl":
                self.tables -= 1

    def _end_paragraph(self) -> None:
        if self.hidden:
            self.reading.hide("".join(self.hidden))
            self.hidden.clear()
        level, self.level = self.level, None
        if self.tables:
            return  # the cell takes its paragraphs together
        text = "".join(self.text).strip()
        self.text.clear()
        if text and level is not None:
            self.reading.title = self.reading.title or clean_line(text)
            if level:
                self.heading = under(self.heading, level, clean_line(text))
        else:
            self.reading.add(Block(text, self.heading, page=self.page))
