"""Splits blocks into chunks: one heading each, split at sentence ends, with a small overlap.

A chunk that begins within a table begins with the names of the columns.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps_registry.extraction.blocks import Block

# In letters of Latin script; a character of Han, kana or Hangul counts as WIDE_CHARS.
MIN_CHARS = 1000  # a chunk of at least this length ends at the next paragraph end
MAX_CHARS = 1500
OVERLAP_CHARS = 150

# Han, kana, Hangul and their punctuation.
_WIDE_SIGNS = (
    r"\u3000-\u303f\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff65"
    r"\U00020000-\U0003fffd"
)
# Ends of sentences. In scripts with spaces, white space follows, perhaps after closing quotes and brackets; in Chinese
# and Japanese it does not. Thai and Lao use a space instead of a full stop.
_SPACED_ENDS = (
    r".!?\u2026\u061f\u06d4"  # Latin and similar scripts, Arabic, Urdu
    r"\u0589\u055c\u055e\u0964\u0965\u1362\u1367\u1368"  # Armenian, Devanagari and its relatives, Ethiopic
    r"\u17d4\u17d5\u104a\u104b\u0f0d\u0f0e\u0df4\u1803\u1809"  # Khmer, Burmese, Tibetan, Sinhala, Mongolian
)
_WIDE_ENDS = r"\u3002\uff01\uff1f\uff61"
_CLOSING = r"\"'\u201d\u2019)\]\u00bb\u203a\u300d\u300f\uff09\u3011\u300b"
_SENTENCE = re.compile(
    rf".+?(?:(?<=[{_SPACED_ENDS}])[{_CLOSING}]*\s+|(?<=[{_WIDE_ENDS}])[{_CLOSING}]*(?![{_WIDE_ENDS}{_CLOSING}])\s*"
    rf"|(?<=[!?])(?=[{_WIDE_SIGNS}])|(?<=[\u0e01-\u0eff])[ ]+(?=[\u0e01-\u0eff])|\n|\Z)",
    re.DOTALL,
)
_WIDE = re.compile(f"[{_WIDE_SIGNS}]")
WIDE_CHARS = 3  # a character of these scripts is about a third of a word
_LINE = re.compile(r".*\n|.+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that can be found, shown and cited.

    Attributes:
        heading: the headings above it, joined by " > ".
        pages: first and last page, or None.
        lines: first and last line, or None.
    """

    text: str
    heading: str
    pages: tuple[int, int] | None
    lines: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence or a line, including the separator after it."""

    text: str
    page: int | None
    line: int | None
    last_line: int | None
    ends_block: bool
    header: str = ""  # the table's header; empty for the header itself


def to_chunks(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """Yield the chunks of a document in order.

    Args:
        blocks: the document's text.
    """
    for heading, section in groupby(blocks, key=lambda block: block.heading):
        pending: list[_Unit] = []
        length = fresh = 0
        for unit in (unit for block in section for unit in _units(block)):
            if fresh and length + _size(unit.text) > MAX_CHARS:
                yield _chunk(pending, heading)
                pending, fresh = _tail(pending), 0
                length = sum(_size(kept.text) for kept in pending)
            if unit.header and not fresh:
                pending, length = [_header_unit(unit)], _size(unit.header) + 1
            pending.append(unit)
            length, fresh = length + _size(unit.text), fresh + 1
            if unit.ends_block and length >= MIN_CHARS:
                yield _chunk(pending, heading)
                pending, length, fresh = [], 0, 0
        if fresh:
            yield _chunk(pending, heading)


def _units(block: Block) -> Iterator[_Unit]:
    max_part = MAX_CHARS - max(OVERLAP_CHARS, _size(block.header) + 1)
    pattern = _LINE if block.is_table else _SENTENCE
    spans = [span for match in pattern.finditer(block.text) for span in _parts(match, max_part)]
    line = block.line
    own_header = len(block.header) if block.text.startswith(block.header) else 0
    for number, (start, end) in enumerate(spans):
        text, is_last = block.text[start:end], number == len(spans) - 1
        last_line = line + text.rstrip("\n").count("\n") if line is not None else None
        header = block.header if start >= own_header else ""
        yield _Unit(text.rstrip("\n") + "\n\n" if is_last else text, block.page, line, last_line, is_last, header)
        if line is not None:
            line += text.count("\n")


def _parts(match: re.Match[str], max_part: int) -> Iterator[tuple[int, int]]:
    """Yield a sentence's span, or its parts, which are short enough to leave space for an overlap or a header.

    A part ends between two words, unless a word is longer than half of it.
    """
    start, end = match.span()
    step = max(1, max_part * (end - start) // max(1, _size(match[0])))
    while end - start > step:
        cut = start + step
        space = (position for position in range(cut, start + step // 2, -1) if match.string[position - 1].isspace())
        yield start, (start := next(space, cut))
    yield start, end


def _size(text: str) -> int:
    """Return a text's length in letters of Latin script."""
    return len(text) if text.isascii() else len(text) + (WIDE_CHARS - 1) * len(_WIDE.findall(text))


def _header_unit(unit: _Unit) -> _Unit:
    return _Unit(unit.header + "\n", unit.page, unit.line, unit.line, ends_block=False)


def _tail(units: Sequence[_Unit]) -> list[_Unit]:
    """Return the last units that fit into the overlap; empty if a paragraph ends there."""
    tail: list[_Unit] = []
    for unit in reversed(units):
        if unit.ends_block or sum(_size(kept.text) for kept in tail) + _size(unit.text) > OVERLAP_CHARS:
            break
        tail.insert(0, unit)
    return tail


def _chunk(units: Sequence[_Unit], heading: tuple[str, ...]) -> Chunk:
    first, last = units[0], units[-1]
    pages = (first.page, last.page) if first.page is not None and last.page is not None else None
    lines = (first.line, last.last_line) if first.line is not None and last.last_line is not None else None
    return Chunk("".join(unit.text for unit in units).strip("\n"), " > ".join(heading), pages, lines)
