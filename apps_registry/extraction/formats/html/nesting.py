"""Checks whether an HTML page can be parsed in reasonable time, before parsing it.

HTML parsers search all open elements at each tag, all open formatting at each block, and all attributes at each
attribute, so the time is quadratic: 100,000 nested `div`, 1.1 MB,
take a minute.
"""

import re

from apps_registry.extraction.blocks import UnreadableError

MAX_DEPTH = 1_000  # browsers stop at 512
MAX_ATTRIBUTES = 2_000
SHORT_TAG_BYTES = 2 * MAX_ATTRIBUTES  # a shorter tag cannot hold that many attributes
_VOID = {*b"area base br col embed hr img input link meta param source track wbr".split()}
# A start tag of these ends the previous element: pages often omit their end tags.
_SELF_ENDING = {*b"colgroup dd dt li option p rp rt tbody td tfoot th thead tr".split()}
# If left open, these continue in the next block; a table cell ends those opened inside it.
_FORMATTING = {*b"a b big code em font i nobr s small strike strong tt u".split()}
_OF_TABLES = {*b"caption colgroup tbody td tfoot th thead tr".split()}
_ATTRIBUTE = rb"[\s/]*+[^\s/>=][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*\"|'[^']*'|[^\s>]*+))?+"
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_TAG = re.compile(
    rb"<!--.*?(?:-->|\Z)"
    rb"|<(script|style|textarea|title|xmp|iframe|noembed|noframes)\b.*?(?:</\1\b|\Z)"
    rb"|<(/?)([a-z][^\s/>]*)((?:" + _ATTRIBUTE + rb")*+)",
    re.DOTALL | re.IGNORECASE,
)


def check_nesting(page: bytes) -> None:
    """Refuse a page that would take very long to parse; raises UnreadableError."""
    elements = _Elements()
    for tag in _TAG.finditer(page):
        name = (tag[3] or b"").lower()
        if not name:
            continue
        if len(tag[4]) > SHORT_TAG_BYTES and sum(1 for _ in _ATTRIBUTES.finditer(tag[4])) > MAX_ATTRIBUTES:
            raise UnreadableError(f"An element of the page has more than {MAX_ATTRIBUTES:,} attributes.")
        if tag[2]:
            elements.end(name)
        else:
            elements.begin(name)


class _Elements:
    """The open elements, approximately: most rules for implied end tags are left out."""

    def __init__(self) -> None:
        self._open: list[bytes] = []
        self._counts: dict[bytes, int] = {}
        self._formatting = 0

    def begin(self, name: bytes) -> None:
        if name in _OF_TABLES and self._counts.get(b"table"):
            self._pop_to(b"table")
            self._open.append(b"table")
            self._counts[b"table"] += 1
            self._formatting = 0
        if name in _VOID or name in _SELF_ENDING:
            return
        self._open.append(name)
        self._counts[name] = self._counts.get(name, 0) + 1
        self._formatting += name in _FORMATTING
        if max(len(self._open), self._formatting) > MAX_DEPTH:
            raise UnreadableError(f"The page is nested more than {MAX_DEPTH:,} levels deep.")

    def end(self, name: bytes) -> None:
        if name in _FORMATTING and self._formatting:
            self._formatting -= 1
        if self._counts.get(name):
            self._pop_to(name)

    def _pop_to(self, name: bytes) -> None:
        while (ended := self._open.pop()) != name:
            self._counts[ended] -= 1
        self._counts[name] -= 1
