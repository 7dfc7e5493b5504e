"""Markdown: blocks of the source under their headings, with their lines."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from apps_registry.extraction.blocks import Block, Reading, under
from apps_registry.extraction.formats import html
from apps_registry.extraction.formats.text import decode

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
# Only blocks are of use, and the rules within them are slow on hostile text: 100 kB of `![` take 13 s.
_BLOCKS_ONLY = MarkdownIt("commonmark").enable("table").disable("inline")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def read(data: bytes) -> Reading:
    """Return the blocks; the first heading of the first level is the title."""
    source = _FRONT_MATTER.sub(lambda match: "\n" * match[0].count("\n"), decode(data))
    lines, reading = source.split("\n"), Reading()
    heading: tuple[str, ...] = ()
    for token, content in _top_level(_BLOCKS_ONLY.parse(source)):
        first, last = token.map or (0, 0)
        if token.type == "heading_open":
            level = int(token.tag[1])
            heading = under(heading, level, content)
            reading.title = reading.title or (content if level == 1 else "")
        elif token.type == "html_block":
            inner = html.read("\n".join(lines[first:last]).encode())
            reading.hidden += inner.hidden
            for block in inner.blocks:
                reading.add(Block(block.text, heading, line=first + 1))
        else:
            text, comments = _parted("\n".join(lines[first:last]))
            for comment in comments:
                reading.hide(comment)
            reading.add(Block(text.rstrip(), heading, line=first + 1))
    return reading


def _parted(text: str) -> tuple[str, list[str]]:
    """Return a block's text without its comments, and the comments."""
    # Beyond the last end, each beginning would be searched to the end of the text.
    end = text.rfind("-->") + len("-->") if "-->" in text else 0
    return _COMMENT.sub("", text[:end]) + text[end:], _COMMENT.findall(text, 0, end)


def _top_level(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Yield the tokens that open a block of the document itself, a heading with its text."""
    for number, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0 and token.map:
            following = tokens[number + 1].content if token.type == "heading_open" else ""
            yield token, following
