"""DOCX: the text that a reader of the document sees, under its headings.

This is our own stream parser: python-docx 1.2 builds the whole tree, which takes 1.1 GB for a hostile file.
"""

from apps_registry.extraction.blocks import Block, Outline, Reading, clean_line
from apps_registry.extraction.formats.docx_styles import BODY_TEXT, UNKNOWN, Look, Styles, shade
from apps_registry.extraction.formats.docx_xml import Attributes, Package, parse

# These repeat text: moved text also appears at its new position, and drawings have a fallback for older programs.
_SKIPPED = {"moveFrom", "compatibility:Fallback"}
_TEXT = {"t", "math:t"}
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(data: bytes) -> Reading:
    """Return the document's text, with page numbers where Word recorded its last layout."""
    package = Package(data)
    styles = package.next_to_main("styles.xml")
    body = _Body(Styles(package.part(styles) if styles in package.names else b""))
    for name in (package.main, *map(package.next_to_main, ("footnotes.xml", "endnotes.xml"))):
        if name in package.names:
            parse(package.part(name), body.start, body.end, body.characters)
    return body.finish()


class _Body:
    """Collects the text of the parts, paragraph by paragraph."""

    def __init__(self, styles: Styles) -> None:
        self.reading, self.styles = Reading(), styles
        self.outline = Outline()
        self.page, self.has_pages = 1, False
        self.text: list[str] = []
        self.hidden: list[str] = []
        self.row: list[str] = []
        self.level: int | None = None
        self.paragraph = self.run = Look()
        self.run_style = ""
        self.grounds = [""]  # backgrounds of the page and of the open cells and boxes
        self.outer: list[tuple[list[str], Look, int | None, bool]] = []  # paragraphs that contain the open boxes
        self.in_text = self.is_deleted = self.in_run = self.in_paragraph = False
        self.tables = self.skipped = 0
        self.hides: bool | None = None

    def finish(self) -> Reading:
        if not self.has_pages:
            self.reading.blocks = [Block(block.text, block.heading) for block in self.reading.blocks]
        return self.reading

    def start(self, name: str, attributes: Attributes) -> None:
        if self.skipped or name in _SKIPPED:
            self.skipped += 1
        elif name in _TEXT or name == "delText":
            self.in_text, self.is_deleted = True, name == "delText"
        elif name in _SIGNS and (self.in_run or name != "tab"):  # a tab of w:pPr is a tab stop
            self.text.append(_SIGNS[name])
        elif name in {"r", "p", "tc", "txbxContent", "tbl"}:
            self._open(name)
        else:
            self._property(name, attributes)

    def _open(self, name: str) -> None:
        self.hides = None
        match name:
            case "r":
                self.run, self.run_style, self.in_run = Look(), "", True
            case "p":
                self.paragraph, self.level, self.in_paragraph = self.styles.look(self.styles.standard), None, True
            case "tc":
                self.grounds.append(self.grounds[-1])
            case "txbxContent":
                self.grounds.append(UNKNOWN)  # a box defines its fill in another part
                self.outer.append((self.text, self.paragraph, self.level, self.in_run))
                self.text, self.in_run, self.in_paragraph = [], False, False
            case "tbl":
                self.tables += 1
                self.grounds.append(self.grounds[-1])

    def _property(self, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        match name:
            case "pStyle":
                self.level = self.styles.level(value)
                self.paragraph = self.styles.look(value)
            case "rStyle":
                self.run_style = value
            case "outlineLvl" if value.isdecimal():
                self.level = int(value[:2]) + 1 if int(value[:2]) < BODY_TEXT else None
            case "lastRenderedPageBreak":
                self.page, self.has_pages = self.page + 1, True
            case "tblStyle" if self.styles.has_shades(value):
                self.grounds[-1] = UNKNOWN
            case "background":
                self.grounds[0] = attributes.get("color", "")
            case "shd" if not self.in_paragraph:
                self.grounds[-1] = shade(attributes) or self.grounds[-1]
            case "shd" if not self.in_run:
                self.paragraph = self.paragraph.with_property(name, attributes)
            case _ if self.in_run:
                self.run = self.run.with_property(name, attributes)

    def characters(self, text: str) -> None:
        if not self.in_text or self.skipped:
            return
        if self.hides is None:
            self.hides = self._look().hides_text
        (self.hidden if self.hides or self.is_deleted else self.text).append(text)

    def _look(self) -> Look:
        base = self.paragraph.over(self.styles.default)
        if not base.ground:
            base = Look(ground=self.grounds[-1]).over(base)
        return self.run.over(self.styles.look(self.run_style)).over(base)

    def end(self, name: str) -> None:
        if self.skipped:
            self.skipped -= 1
            return
        match name:
            case "t" | "math:t" | "delText":
                self.in_text = False
            case "r":
                self.run, self.run_style, self.in_run, self.hides = Look(), "", False, None
            case "p":
                self._end_paragraph()
            case "tc" | "tbl" | "tr" | "txbxContent":
                self._close(name)

    def _close(self, name: str) -> None:
        if name != "tr":
            self.grounds.pop()
        if name == "txbxContent":
            inner = self.text
            self.text, self.paragraph, self.level, self.in_run = self.outer.pop()
            self.text += inner
            self.in_paragraph, self.hides = True, None
        if name == "tc" and self.tables == 1:
            self.row.append("".join(self.text).strip())
            self.text.clear()
        elif name == "tr" and self.tables == 1:
            self.reading.add(Block(" | ".join(filter(None, self.row)), self.outline.path, page=self.page))
            self.row.clear()
        self.tables -= name == "tbl"

    def _end_paragraph(self) -> None:
        if self.hidden:
            self.reading.hide("".join(self.hidden))
            self.hidden.clear()
        level, self.level, self.in_paragraph = self.level, None, False
        if self.tables:
            self.text.append(" ")  # put the paragraphs of a cell on one line
            return
        text = "".join(self.text).strip()
        self.text.clear()
        if text and level is not None:
            self.reading.title = self.reading.title or clean_line(text)
            if level:
                self.outline.begin(level, clean_line(text))
        else:
            self.reading.add(Block(text, self.outline.path, page=self.page))
