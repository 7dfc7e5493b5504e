"""HTML: the text that a reader of the page sees, under its headings."""

import re
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from apps_registry.retrieval.blocks import Block, Reading, clean_line, under
from apps_registry.retrieval.formats.nesting import check_nesting

HEADINGS = {f"h{level}": level for level in range(1, 7)}
SKIPPED = {"script", "style", "noscript", "template", "head", "svg", "iframe", "object", "select", "button", "nav"}
BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "figcaption"),
    *("figure", "footer", "form", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary"),
    *("table", "tbody", "tfoot", "thead", "tr", "ul", *HEADINGS),
}
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])"
    r"|(?<![-\w])color\s*:\s*(#fff(fff)?\b|white\b|transparent\b|rgba?\(\s*255\s*,\s*255\s*,\s*255)"
    r"|text-indent\s*:\s*-\d{3,}|(left|top)\s*:\s*-\d{4,}|clip\s*:\s*rect\(\s*0",
    re.IGNORECASE,
)


def read(data: bytes) -> Reading:
    """Return the visible text; what styles or attributes hide is listed apart."""
    check_nesting(data)
    tree, reading = LexborHTMLParser(data), Reading()
    title = tree.css_first("head > title") if tree.head else None
    reading.title = clean_line(title.text()) if title else ""
    _Page(reading).walk(tree.root)
    return reading


class _Page:
    """One walk over the tree, in the order of the text."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.heading: tuple[str, ...] = ()
        self.pieces: list[str] = []

    def walk(self, root: Any) -> None:
        for node, is_start in _events(root):
            tag = node.tag
            if tag == "-text":
                self.pieces.append(node.text_content or "")
            elif is_start and _is_hidden(node):
                self.reading.hide(node.text(separator=" "))
            elif tag == "img" and is_start:
                self.reading.hide(node.attributes.get("alt") or "")
            elif tag == "br" and is_start:
                self.pieces.append("\n")
            elif tag in {"td", "th"} and not is_start:
                self.pieces.append(" | ")
            elif tag in BLOCKS:
                self._flush(HEADINGS.get(tag) if not is_start else None)
        self._flush(None)

    def _flush(self, level: int | None) -> None:
        """End a block; one that ends with a heading's tag is that heading."""
        # Line breaks of the source mean nothing; those of <br> stand alone among the pieces.
        lines = "".join(piece if piece == "\n" else re.sub(r"\s+", " ", piece) for piece in self.pieces).split("\n")
        self.pieces.clear()
        text = "\n".join(line.strip(" |") for line in lines).strip()
        if level and text:
            self.heading = under(self.heading, level, clean_line(text))
            self.reading.title = self.reading.title or (self.heading[-1] if level == 1 else "")
        elif text:
            self.reading.add(Block(text, self.heading))


def _events(root: Any) -> Iterator[tuple[Any, bool]]:
    """Yield each element when it starts and when it ends; of skipped and hidden ones at most the start.

    Without recursion: a page may nest deeper than Python's stack.
    """
    node = root
    while node is not None:
        yield node, True
        closed = node.tag in SKIPPED or node.tag == "img" or _is_hidden(node)
        child = None if closed else node.child
        if child is not None:
            node = child
            continue
        while node is not None:
            if node.tag not in {"-text", "img", "br"} and not (node.tag in SKIPPED or _is_hidden(node)):
                yield node, False
            if node.mem_id == root.mem_id:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


def _is_hidden(node: Any) -> bool:
    if node.tag.startswith("-") or not (attributes := node.attributes):
        return False
    return "hidden" in attributes or bool(_HIDING.search(attributes.get("style") or ""))
