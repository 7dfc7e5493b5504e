"""The text of a part of a DOCX, paragraph by paragraph."""

from typing import NamedTuple

from apps_registry.extraction.blocks import Reading
from apps_registry.extraction.formats.docx.elements import LOST, SIGNS, SKIPPED, TEXT
from apps_registry.extraction.formats.docx.math import Equation
from apps_registry.extraction.formats.docx.numbering import Numbering
from apps_registry.extraction.formats.docx.styles import BODY_TEXT, UNKNOWN, Look, Styles, shade
from apps_registry.extraction.formats.docx.tables import OpenTable
from apps_registry.extraction.formats.docx.writer import Notes, Writer
from apps_registry.extraction.formats.docx.xml import Attributes
from apps_registry.extraction.formats.symbols import UNKNOWN_SYMBOL, symbol


class _Outer(NamedTuple):
    """A paragraph that contains an open text box."""

    text: list[str]
    look: Look
    level: int | None
    in_run: bool
    list_place: tuple[str, str]


class Body:
    """Collects the text of a part into a reading."""

    def __init__(
        self,
        reading: Reading,
        styles: Styles,
        numbering: Numbering,
        *,
        notes: Notes | None = None,
        notes_of: str = "",
    ) -> None:
        """Begin a part.

        Args:
            reading: gets the text.
            styles: the styles of the document.
            numbering: its lists, which this part counts.
            notes: the footnotes and endnotes, which follow the paragraphs that refer to them.
            notes_of: the part contains notes of this kind, which go into `notes` instead of the reading.
        """
        self.reading, self.styles, self.numbering = reading, styles, numbering
        self.notes: Notes = notes if notes is not None else {}
        self.notes_of, self.note = notes_of, ""
        self.writer = Writer(reading, self.notes)
        self.text: list[str] = []
        self.hidden: list[str] = []
        self.struck: list[str] = []  # deleted or struck through, without text in between
        self.level: int | None = None
        self.list_place = ("", "")  # list id and level, of this paragraph
        self.style = ""
        self.paragraph = self.run = Look()
        self.run_style = ""
        self.grounds = [""]  # backgrounds of the page and of the open cells and boxes
        self.outer: list[_Outer] = []
        self.tables: list[OpenTable] = []
        self.sinks: list[list[str] | None] = [None]  # the target of paragraphs; None: the reading
        self.equation: Equation | None = None
        self.in_text = self.is_deleted = self.in_run = self.in_paragraph = False
        self.skipped = 0
        self.left_out: list[str] | None = None  # the target of the run's text, if its look hides it
        self.is_judged = False

    def finish(self) -> None:
        """Add the remaining text at the end of the document."""
        self.writer.finish()

    def start(self, name: str, attributes: Attributes) -> None:
        """Process the start of an element."""
        if self.skipped or name in SKIPPED:
            self.skipped += 1
            return
        if name in LOST:
            self.reading.losses.add(LOST[name])
        if name in TEXT or name == "delText":
            self.in_text, self.is_deleted = True, name == "delText"
        elif name in SIGNS and (self.in_run or name != "tab"):  # a tab of w:pPr is a tab stop
            self._add(SIGNS[name])
        elif name.startswith("math:"):
            self._start_math(name.removeprefix("math:"), attributes)
        elif name in {"r", "p", "tc", "txbxContent", "tbl"}:
            self._open(name)
        elif self.tables and not self.in_paragraph:
            self.tables[-1].property(name, attributes)
            self._property(name, attributes)
        else:
            self._property(name, attributes)

    def _open(self, name: str) -> None:
        self.is_judged = False
        match name:
            case "r":
                self.run, self.run_style, self.in_run = Look(), "", True
            case "p":
                self.style, self.level, self.in_paragraph = self.styles.standard, None, True
                self.paragraph, self.list_place = self.styles.look(self.style), ("", "")
            case "tc":
                self.grounds.append(self.grounds[-1])
                self.sinks.append([])
            case "txbxContent":
                self.grounds.append(UNKNOWN)  # a box defines its fill in another part
                self.outer.append(_Outer(self.text, self.paragraph, self.level, self.in_run, self.list_place))
                self.text, self.in_run, self.in_paragraph = [], False, False
                self.sinks.append(None if self.sinks[-1] is None else [])
            case "tbl":
                self.tables.append(OpenTable())
                self.grounds.append(self.grounds[-1])

    def _start_math(self, name: str, attributes: Attributes) -> None:
        if self.equation is not None:
            self.equation.start(name, attributes)
        elif name == "oMath":
            self.equation = Equation()

    def _property(self, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        match name:
            case "pStyle":
                self.style, self.level = value, self.styles.level(value)
                self.paragraph = self.styles.look(value)
            case "numId":
                self.list_place = (value, self.list_place[1])
            case "ilvl":
                self.list_place = (self.list_place[0], value)
            case "rStyle":
                self.run_style = value
            case "outlineLvl" if value.isdecimal():
                self.level = int(value[:2]) + 1 if int(value[:2]) < BODY_TEXT else None
            case "lastRenderedPageBreak":
                self.writer.begin_page()
            case "sym":
                self._add_symbol(attributes)
            case "footnoteReference" | "endnoteReference":
                self.writer.waiting_notes.append((name.removesuffix("Reference"), attributes.get("id", "")))
            case "footnote" | "endnote":
                self.note = "" if attributes.get("type", "normal") != "normal" else attributes.get("id", "")
            case _:
                self._appearance(name, attributes)

    def _appearance(self, name: str, attributes: Attributes) -> None:
        value = attributes.get("val", "")
        match name:
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

    def _add_symbol(self, attributes: Attributes) -> None:
        try:
            sign = symbol(attributes.get("font", ""), int(attributes.get("char", ""), 16))
        except ValueError:
            sign = UNKNOWN_SYMBOL
        self.reading.losses.add("symbols", sign == UNKNOWN_SYMBOL)
        self._add(sign)

    def characters(self, text: str) -> None:
        """Process text."""
        if self.in_text and not self.skipped:
            self._add(text)

    def _add(self, text: str) -> None:
        """Add text to the paragraph, or to its hidden text."""
        if not self.is_judged:
            look, self.is_judged = self._look(), True
            self.left_out = self.hidden if look.hides_text else self.struck if look.is_struck else None
        if self.is_deleted or self.left_out is not None:
            (self.struck if self.is_deleted or self.left_out is None else self.left_out).append(text)
            return
        if text.strip():
            self._end_struck()
        if self.equation is not None:
            self.equation.add(text)
        else:
            self.text.append(text)

    def _end_struck(self) -> None:
        self.reading.strike("".join(self.struck))
        self.struck.clear()

    def _look(self) -> Look:
        base = self.paragraph.over(self.styles.default)
        if not base.ground:
            base = Look(ground=self.grounds[-1]).over(base)
        return self.run.over(self.styles.look(self.run_style)).over(base)

    def end(self, name: str) -> None:
        """Process the end of an element."""
        if self.skipped:
            self.skipped -= 1
            return
        match name:
            case "t" | "math:t" | "delText":
                self.in_text = self.is_deleted = False
            case "math:oMath" if self.equation is not None:
                self.text.append(self.equation.line)
                self.equation = None
            case "r":
                self.run, self.run_style, self.in_run, self.is_judged = Look(), "", False, False
            case "p":
                self._end_paragraph()
            case "tc" | "tbl" | "tr" | "txbxContent":
                self._close(name)
            case _ if name.startswith("math:") and self.equation is not None:
                self.equation.end(name.removeprefix("math:"))

    def _close(self, name: str) -> None:
        match name:
            case "txbxContent" if self.outer:
                self.grounds.pop()
                inner = self.sinks.pop() or []
                self.text, self.paragraph, self.level, self.in_run, self.list_place = self.outer.pop()
                self.text += [f" {text}" for text in inner]
                self.in_paragraph, self.is_judged = True, False
            case "tc" if self.tables:
                self.grounds.pop()
                self.tables[-1].end_cell(" ".join(self.sinks.pop() or []))
            case "tr" if self.tables:
                self.tables[-1].end_row(self.writer.page)
            case "tbl":
                self.grounds.pop()
                self._end_table(self.tables.pop())

    def _end_table(self, table: OpenTable) -> None:
        sink = self.sinks[-1]
        if sink is None:
            self.writer.add_table(table)
            self.writer.add_notes()
            return
        sink.append(table.grid.inline())
        if self.tables:
            self.tables[-1].contents.append(table)

    def _end_paragraph(self) -> None:
        if self.hidden:
            self.reading.hide("".join(self.hidden))
            self.hidden.clear()
        self._end_struck()
        level, self.level, self.in_paragraph = self.level, None, False
        label = self._label()
        text = "".join(self.text).strip()
        text = f"{label} {text}" if label and text else text
        self.text.clear()
        sink = self.sinks[-1]
        if self.notes_of:
            self.notes.setdefault((self.notes_of, self.note), []).extend([text] if text and self.note else [])
        elif sink is None:
            self.writer.add_paragraph(level, text, self.writer.page)
        elif text:
            sink.append(text)
            self.tables[-1].contents.append((level, text, self.writer.page))

    def _label(self) -> str:
        number, at = self.list_place
        style_number, style_level = self.styles.list_place(self.style)
        number = number or style_number
        if not number or number == "0":
            return ""
        at = at or style_level
        return self.numbering.label(
            number, int(at) if at.isdecimal() and len(at) < 3 else self.numbering.level_of_style(number, self.style)
        )
