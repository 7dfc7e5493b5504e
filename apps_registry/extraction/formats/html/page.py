"""HTML: the text that a reader of the page sees, under its headings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from apps_registry.extraction.blocks import Block, Outline, Reading, clean_line
from apps_registry.extraction.formats.html.controls import Controls, is_question
from apps_registry.extraction.formats.html.furniture import Furniture
from apps_registry.extraction.formats.html.margins import is_aside, margin_numbers
from apps_registry.extraction.formats.html.math import line_of
from apps_registry.extraction.formats.html.nesting import check_nesting
from apps_registry.extraction.formats.html.style_effects import Ground, is_struck, judge_style
from apps_registry.extraction.formats.html.style_sheets import Styles
from apps_registry.extraction.formats.html.tables import OpenTable, is_layout
from apps_registry.extraction.formats.text import decode
from apps_registry.extraction.losses import Losses

HEADINGS = {f"h{level}": level for level in range(1, 7)}
SKIPPED = {"script", "style", "noscript", "template", "head", "svg", "iframe", "object", "select"}
OBJECTS = {"iframe", "frame", "object", "embed", "video", "audio", "canvas"}
CELLS = {"td", "th", "caption"}
BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "button", "dd", "details", "div", "dl", "dt", "figcaption"),
    *("figure", "footer", "form", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary"),
    *("table", "tbody", "tfoot", "thead", "tr", "ul", *HEADINGS),
}


def read(data: bytes) -> Reading:
    """Return the text that a reader sees or can reveal with a control of the page; list all other text as hidden."""
    losses = Losses()
    page = decode(data, losses, declares=True)
    reading = read_page(page, is_page=True)
    if not reading.blocks:  # the page has only a menu, which then is its content
        reading = read_page(page)
    reading.losses.take(losses)
    return reading


def read_page(
    page: str, outline: Outline | None = None, *, is_page: bool = False, sheets: Sequence[str] = ()
) -> Reading:
    """Return the text of a page or a fragment, as `read` does.

    Args:
        page: the HTML.
        outline: the headings above a fragment; those in the fragment are added to it.
        is_page: leave out what a site repeats on every page.
        sheets: the linked style sheets.
    """
    check_nesting(page.encode("utf-8", "replace"))
    tree, reading = LexborHTMLParser(page.encode("utf-8", "replace")), Reading()
    title = tree.css_first("head > title") if tree.head else None
    reading.title = clean_line(title.text()) if title else ""
    walker = _Page(reading, tree, outline.within(reading) if outline else Outline(reading), sheets)
    walker.furniture = Furniture(tree) if is_page else None
    walker.walk(tree.root)
    if outline is None:
        walker.outline.end()
    return reading


class _Page:
    """Walks the tree in document order and collects the text."""

    def __init__(self, reading: Reading, tree: Any, outline: Outline, sheets: Sequence[str]) -> None:
        self.reading, self.outline = reading, outline
        self.pieces: list[str] = []
        self.preformatted = 0  # how many <pre> elements are open
        self.headings = 0  # how many headings are open
        self.styles = Styles(tree, sheets)
        self.margin_numbers = margin_numbers(tree, self.styles)
        self.controls = Controls(tree)
        self.furniture: Furniture | None = None
        self.asides: set[int] = set()  # elements that the layout takes out of the line, by node id
        self.grounds = [Ground()]
        self.tables: list[OpenTable] = []  # the open tables of data
        self.layouts: list[int] = []  # the open tables that are only for layout, by node id

    def walk(self, root: Any) -> None:
        """Visit the elements without recursion: a page may nest more deeply than Python's stack."""
        node = root
        while node is not None:
            is_open = self._begin(node)
            child = node.child if is_open else None
            if child is not None:
                node = child
                continue
            if is_open:
                self._end(node)
            while node.next is None and node.mem_id != root.mem_id:
                node = node.parent
                self._end(node)
            node = None if node.mem_id == root.mem_id else node.next
        self._flush(None)

    def _begin(self, node: Any) -> bool:
        """Process the start of an element; tell whether to visit its children, and then its end."""
        tag = node.tag
        if tag == "-text":
            self._take(node.text_content or "")
        elif tag == "br":
            self.pieces.append("\n")
        else:
            self._count(node, tag)
        if tag.startswith("-") or tag in SKIPPED or tag in {"br", "img"}:
            return False
        attributes = node.attributes
        if (tag == "a" and _is_permalink(node, attributes)) or self._is_left_out(node, tag, attributes):
            return False
        style = self.styles.declarations_of(node, attributes)
        is_hidden, is_revealable, ground = judge_style(tuple(style.items()), self.grounds[-1])
        is_revealable = is_revealable or _is_closed(tag, attributes)
        if (is_revealable or ground.is_invisible) and self.controls.reveal(node, attributes):
            is_revealable, ground = False, replace(ground, is_invisible=False)
            self.reading.losses.add("collapsed")
        if is_hidden or is_revealable:
            self.reading.hide(node.text(separator=" "))
            return False
        if is_struck(tag, attributes, style) or tag == "math":
            self._replace(node, tag)
            return False
        self._separate(node, tag, style)
        self.grounds.append(ground)
        self.reading.losses.add("collapsed", tag == "details" and "open" not in attributes)
        if tag in BLOCKS:
            self._flush(None)
        if tag == "table":
            self._begin_table(node)
        elif self.tables and tag in CELLS:
            self.pieces = self.tables[-1].begin_cell(self.pieces)
        self.preformatted += tag == "pre"
        self.headings += tag in HEADINGS
        return True

    def _separate(self, node: Any, tag: str, style: Mapping[str, str]) -> None:
        """Separate what the layout takes out of the line from the words next to it; an initial belongs to its word."""
        if tag in BLOCKS or tag in CELLS or not is_aside(style):
            return
        text = node.text().strip()
        if len(text) > 1 or not text.isalpha():
            self.pieces.append(" ")
            self.asides.add(node.mem_id)

    def _replace(self, node: Any, tag: str) -> None:
        """Replace an equation by one line, and leave out what is struck through."""
        if tag == "math":
            self.reading.losses.add("equations")
            self.pieces.append(line_of(node))
        else:
            self.reading.strike(node.text(separator=" "))

    def _count(self, node: Any, tag: str) -> None:
        """Count content of an element that is not text."""
        losses = self.reading.losses
        if tag == "img":
            self._skip_image(node.attributes)
        losses.add("objects", tag in OBJECTS)
        losses.add("buttons", tag == "select" and node.css_first("option") is not None)
        losses.add("images", tag == "svg" and node.css_first("text, image") is not None)  # others are icons

    def _skip_image(self, attributes: Mapping[str, str | None]) -> None:
        if not {attributes.get("width"), attributes.get("height")} & {"0", "1"}:  # a tracking pixel
            self.reading.losses.add("images")
        self.reading.hide(attributes.get("alt") or "", is_loss=False)

    def _is_left_out(self, node: Any, tag: str, attributes: Mapping[str, str | None]) -> bool:
        """Tell whether an element is a margin's number, a button that only acts, or a part that the site repeats."""
        if node.mem_id in self.margin_numbers:
            self.reading.losses.add("margin_numbers")
            return True
        if tag == "button" and not is_question(node):
            self.reading.losses.add("buttons", bool(node.text().strip()))
            return True
        if self.furniture is None or not self.furniture.contains(node, tag, attributes):
            return False
        self.reading.losses.add("furniture")
        return True

    def _end(self, node: Any) -> None:
        if node.mem_id in self.asides:
            self.pieces.append(" ")
        self.grounds.pop()
        self.headings -= node.tag in HEADINGS
        if node.tag == "table":
            self._end_table(node)
        elif self.tables and node.tag in {"tr", *CELLS}:
            self.pieces = self.tables[-1].end(node, self.pieces)
        elif node.tag in BLOCKS or node.tag in CELLS:
            self._flush(HEADINGS.get(node.tag))
        self.preformatted -= node.tag == "pre"

    def _begin_table(self, node: Any) -> None:
        if not self.tables and is_layout(node, depth=len(self.layouts)):
            self.layouts.append(node.mem_id)
        else:
            self.tables.append(OpenTable())

    def _end_table(self, node: Any) -> None:
        if self.layouts and self.layouts[-1] == node.mem_id:
            self._flush(None)
            self.layouts.pop()
            return
        table = self.tables.pop()
        if self.tables:
            self.pieces.append(f" {table.grid.inline()} ")
            return
        self._flush(None)
        for block in table.grid.blocks(self.outline.path, caption=table.caption):
            self.reading.add(block)

    def _take(self, text: str) -> None:
        if not text.isspace() and self.grounds[-1].hides_text:
            self.reading.hide(text)
        else:
            self.pieces.append(text)

    def _flush(self, level: int | None) -> None:
        """End a block; if it ends with a heading's tag, it is that heading. Cells and headings keep blocks together."""
        if self.tables or self.headings:
            self.pieces.append(" ")
            return
        text = self._preformatted() if self.preformatted else self._flowing()
        self.pieces.clear()
        if level and text:
            path = self.outline.begin(level, clean_line(text))
            self.reading.title = self.reading.title or (path[-1] if level == 1 else "")
        elif text:
            self.reading.add(Block(text, self.outline.path))

    def _preformatted(self) -> str:
        return "\n".join(line.rstrip() for line in "".join(self.pieces).split("\n")).strip("\n")

    def _flowing(self) -> str:
        # Line breaks in the source are white space; those from <br> are separate pieces.
        lines = "".join(piece if piece == "\n" else re.sub(r"\s+", " ", piece) for piece in self.pieces).split("\n")
        return "\n".join(re.sub(" {2,}", " ", line).strip() for line in lines).strip()


def _is_permalink(node: Any, attributes: Mapping[str, str | None]) -> bool:
    """Tell whether a link only offers its own address, like those that documentation tools add to headings."""
    if not (attributes.get("href") or "").startswith("#"):
        return False
    text = (node.text() or "").strip()
    return len(text) <= 2 and not any(character.isalnum() for character in text) and node.css_first("img") is None


def _is_closed(tag: str, attributes: Mapping[str, str | None]) -> bool:
    """Tell whether an element is hidden by default; `hidden=until-found` counts as visible, since a search opens it."""
    is_hidden = "hidden" in attributes and attributes["hidden"] != "until-found"
    return is_hidden or (tag == "dialog" and "open" not in attributes)
