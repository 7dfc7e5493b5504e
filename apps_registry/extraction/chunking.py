"""Splits blocks into chunks: one heading each, split at sentence ends, with a small overlap.

A chunk that begins within a table begins with the names of the columns.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps_registry.extraction.blocks import Block

MIN_CHARS = 1000  # a chunk of at least this length ends at the next paragraph end
MAX_CHARS = 1500
OVERLAP_CHARS = 150

_SENTENCE = re.compile(r".+?(?:(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n|\Z)", re.DOTALL)  # noqa: RUF001
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
    header: str = ""  # of its table; empty for the header itself


def to_chunks(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """Yield the chunks of a document in order.

    Args:
        blocks: the document's text.
    """
    for heading, section in groupby(blocks, key=lambda block: block.heading):
        pending: list[_Unit] = []
        length = fresh = 0
        for unit in (unit for block in section for unit in _units(block)):
            if fresh and length + len(unit.text) > MAX_CHARS:
                yield _chunk(pending, heading)
                pending, fresh = _tail(pending), 0
                length = sum(len(kept.text) for kept in pending)
            if unit.header and not fresh:
                pending, length = [_header_unit(unit)], len(unit.header) + 1
            pending.append(unit)
            length, fresh = length + len(unit.text), fresh + 1
            if unit.ends_block and length >= MIN_CHARS:
                yield _chunk(pending, heading)
                pending, length, fresh = [], 0, 0
        if fresh:
            yield _chunk(pending, heading)


def _units(block: Block) -> Iterator[_Unit]:
    room = MAX_CHARS - max(OVERLAP_CHARS, len(block.header) + 1)
    pattern = _LINE if block.is_table else _SENTENCE
    spans = [span for match in pattern.finditer(block.text) for span in _parts(*match.span(), room)]
    line = block.line
    own_header = len(block.header) if block.text.startswith(block.header) else 0
    for number, (start, end) in enumerate(spans):
        text, is_last = block.text[start:end], number == len(spans) - 1
        last_line = line + text.rstrip("\n").count("\n") if line is not None else None
        header = block.header if start >= own_header else ""
        yield _Unit(text.rstrip("\n") + "\n\n" if is_last else text, block.page, line, last_line, is_last, header)
        if line is not None:
            line += text.count("\n")


def _parts(start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    """Yield a span whole, or in parts short enough to leave room for an overlap or a header."""
    for begin in range(start, end, room):
        yield begin, min(end, begin + room)


def _header_unit(unit: _Unit) -> _Unit:
    return _Unit(unit.header + "\n", unit.page, unit.line, unit.line, ends_block=False)


def _tail(units: Sequence[_Unit]) -> list[_Unit]:
    """Return the last units that fit into the overlap; empty if a paragraph ends there."""
    tail: list[_Unit] = []
    for unit in reversed(units):
        if unit.ends_block or sum(len(kept.text) for kept in tail) + len(unit.text) > OVERLAP_CHARS:
            break
        tail.insert(0, unit)
    return tail


def _chunk(units: Sequence[_Unit], heading: tuple[str, ...]) -> Chunk:
    first, last = units[0], units[-1]
    pages = (first.page, last.page) if first.page is not None and last.page is not None else None
    lines = (first.line, last.last_line) if first.line is not None and last.last_line is not None else None
    return Chunk("".join(unit.text for unit in units).strip("\n"), " > ".join(heading), pages, lines)
