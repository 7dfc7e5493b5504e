"""Markdown: blocks of the source under their headings, with their lines."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from apps_registry.retrieval.blocks import Block, Reading, under
from apps_registry.retrieval.formats import html
from apps_registry.retrieval.formats.text import decode

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def read(data: bytes) -> Reading:
    """Return the blocks; the first heading of the first level is the title."""
    source = _FRONT_MATTER.sub(lambda match: "\n" * match[0].count("\n"), decode(data))
    lines, reading = source.split("\n"), Reading()
    heading: tuple[str, ...] = ()
    for token, content in _top_level(MarkdownIt("commonmark").enable("table").parse(source)):
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
            text = "\n".join(lines[first:last])
            for comment in _COMMENT.findall(text):
                reading.hide(comment)
            reading.add(Block(_COMMENT.sub("", text).rstrip(), heading, line=first + 1))
    return reading


def _top_level(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Yield the tokens that open a block of the document itself, a heading with its text."""
    for number, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0 and token.map:
            following = tokens[number + 1].content if token.type == "heading_open" else ""
            yield token, following
