"""Markdown: blocks of the source under their headings, with line numbers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from apps_registry.extraction.blocks import MAX_HEADER_CHARS, Block, Outline, Reading, clean_line
from apps_registry.extraction.formats import html
from apps_registry.extraction.formats.front_matter import FrontMatter, split
from apps_registry.extraction.formats.text import decode

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
# Inline rules are off: only blocks are needed, and they are slow on hostile text: 100 kB of `![` take 13 s.
_BLOCKS_ONLY = MarkdownIt("commonmark").enable("table").disable("inline")
_CODE = {"fence", "code_block"}
# Without this, a footnote of one word would parse as a link definition, which is not shown.
_FOOTNOTE = re.compile(r"^( {0,3}\[\^[^\]\n]{1,200}\]):", re.MULTILINE)
# A page shows neither the description of an image nor the title of a link.
_PICTURE = re.compile(r"!\[([^\[\]\n]{1,1000})\](?=[(\[])")
_ON_HOVER = re.compile(r"(\]\([^()\s]{1,2000})[ \t]+(?:\"([^\"\n]{1,1000})\"|'([^'\n]{1,1000})')(?=\))")
# Struck text and media outside of code. A line that begins a list item or another block ends the previous one.
_STRUCK = r"(?:[^~\n]|~(?!~)|\n(?![ \t>]*(?:[-*+>#|\n]|\d+[.)]))){1,2000}?"
_DELETED = r"(?:[^<]|<(?!/?(?:del|s|strike)\b)){0,2000}"
_MARKS = re.compile(
    r"(?<!`)(?P<code>`++)[^`]{1,1000}(?P=code)(?!`)"
    rf"|(?<![\\~])~~(?![~\s])(?P<struck>{_STRUCK})(?<!\s)~~(?!~)(?P<gap> ?)"
    rf"|<(?P<tag>del|s|strike)\b[^<>]{{0,200}}>(?P<deleted>{_DELETED})</(?P=tag)\s*>"
    r"|<(?P<medium>img|iframe|video|audio|embed|object|canvas)\b",
    re.IGNORECASE,
)
# Only for headings, and only for their beginning: on bounded text, the inline rules are fast.
_INLINE = MarkdownIt("commonmark")
MAX_HEADING_SOURCE = 1000
_ANCHOR = re.compile(r"[ \t]*\{[#.:][^{}]{0,200}\}$")
_NOTE_MARK = re.compile(r"\[\^[^\]\n]{1,200}\]")


def read(data: bytes) -> Reading:
    """Return the blocks. The title comes from the front matter, otherwise from the first heading of level 1."""
    reading = Reading()
    return read_source(decode(data, reading.losses), reading)


def read_source(source: str, reading: Reading) -> Reading:
    """Add the blocks of a text to a reading, and return it."""
    fields, source = split(source)
    lines = source.split("\n")
    outline = Outline(reading)
    heading: tuple[str, ...] = ()
    environment: dict[str, Any] = {}
    tokens = _BLOCKS_ONLY.parse(_FOOTNOTE.sub(r"\1;", source), environment)
    _add_fields(fields, tokens, reading)
    code = {line for token in tokens if token.type in _CODE and token.map for line in range(*token.map)}
    for token, content in _top_level(tokens):
        first, last = token.map or (0, 0)
        if token.type == "heading_open":
            level, title = int(token.tag[1]), _plain(content, environment, reading)
            heading = outline.begin(level, title)
            reading.title = reading.title or (title if level == 1 else "")
        elif token.type == "html_block":
            inner = html.read_page("\n".join(lines[first:last]), outline)
            heading = outline.path
            reading.title = reading.title or inner.title
            reading.take_losses(inner)
            for block in inner.blocks:
                reading.add(replace(block, line=first + 1))
        else:
            text = _shown(lines, range(first, last), code, reading).rstrip()
            is_table = token.type == "table_open"
            header = "\n".join(text.split("\n", 2)[:2]) if is_table else ""
            reading.add(Block(text, heading, line=first + 1, is_table=is_table, header=header[:MAX_HEADER_CHARS]))
    outline.end()
    for reference in [*environment.get("references", {}).values(), *environment.get("duplicate_refs", ())]:
        reading.hide(str(reference.get("title") or ""))
    return reading


def _add_fields(fields: FrontMatter, tokens: list[Token], reading: Reading) -> None:
    """Add the front matter; not its title, if a heading repeats it."""
    headings = {after.content.strip() for token, after in pairwise(tokens) if token.type == "heading_open"}
    title = [f"title: {fields.title}"] if fields.title and fields.title not in headings else []
    reading.title = reading.title or fields.title
    reading.add(Block("\n".join(title + fields.lines), line=1))


def _shown(lines: list[str], numbers: range, code: set[int], reading: Reading) -> str:
    """Return the visible part of a block and record the hidden part; code is entirely visible."""
    shown = []
    for is_code, run in groupby(numbers, key=code.__contains__):
        text = "\n".join(lines[number] for number in run)
        shown.append(text if is_code else _parted(text, reading))
    return "\n".join(shown)


def _parted(text: str, reading: Reading) -> str:
    # After the last end marker, the search for each start marker's end would read all the remaining text.
    end = text.rfind("-->") + len("-->") if "-->" in text else 0
    hidden = _COMMENT.findall(text, 0, end)
    text = _without_struck(_COMMENT.sub("", text[:end]) + text[end:], reading)
    reading.losses.add("images", text.count("!["))
    for description in _PICTURE.findall(text):
        reading.hide(description, is_loss=False)
    text = _PICTURE.sub("![]", text)
    hidden += [quoted or plain for _, quoted, plain in _ON_HOVER.findall(text)]
    for hidden_text in hidden:
        reading.hide(hidden_text)
    return _ON_HOVER.sub(r"\1", text)


def _without_struck(text: str, reading: Reading) -> str:
    """Leave out what is struck through, and count media that HTML within a paragraph shows."""

    def shown(match: "re.Match[str]") -> str:
        if medium := match["medium"]:
            reading.losses.add("images" if medium.lower() == "img" else "objects")
        if struck := match["struck"] or match["deleted"]:
            reading.strike(struck)
            is_apart = text[max(0, match.start() - 1) : match.start()].isspace()
            return "" if is_apart else match["gap"] or ""
        return match[0]

    return _MARKS.sub(shown, text)


def _plain(heading: str, environment: dict[str, Any], reading: Reading) -> str:
    """Return a heading as a page shows it, without its markup, anchor and footnote marks."""
    source = _without_struck(_NOTE_MARK.sub("", _ANCHOR.sub("", heading))[:MAX_HEADING_SOURCE], reading)
    (line,) = _INLINE.parseInline(source, dict(environment))
    shown = []
    for part in line.children or ():
        if part.type == "image":
            reading.hide(part.content, is_loss=False)
            reading.losses.add("images")
        else:
            shown.append(" " if part.type.endswith("break") else "" if part.type == "html_inline" else part.content)
    return clean_line("".join(shown))


def _top_level(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Yield the tokens that open a top-level block, each with its text if it is a heading."""
    for number, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0 and token.map:
            following = tokens[number + 1].content if token.type == "heading_open" else ""
            yield token, following
