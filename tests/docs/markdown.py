"""Reads the project's Markdown documents, as far as the tests need."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.root import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
_FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def text_of(name: str) -> str:
    """Return the text of a document, by its path relative to the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """Return the part of a document from a heading to the next one of the same or a higher level."""
    text = text_of(name)
    begin = re.search(rf"^(#+) {re.escape(heading)} *$", text, re.MULTILINE)
    assert begin is not None, f"{name} has no section {heading}"
    end = re.search(rf"^#{{1,{len(begin[1])}}} ", text[begin.end() :], re.MULTILINE)
    return text[begin.end() :][: end.start() if end else None]


def blocks(name: str, language: str) -> list[str]:
    """Return a document's code blocks in a language."""
    matches = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text_of(name), re.MULTILINE | re.DOTALL)
    return [block for _, block in matches]


def links(text: str) -> list[str]:
    """Return the targets of a text's links, outside code."""
    return _LINK.findall(_CODE.sub("", _FENCED.sub("", text)))


def code_words(text: str) -> set[str]:
    """Return the inline code of a text, outside code blocks."""
    return set(_CODE.findall(_FENCED.sub("", text)))


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub generates for a document's headings."""
    slug_counts: Counter[str] = Counter()
    slugs = set()
    for heading in _HEADING.findall(_FENCED.sub("", path.read_text(encoding="utf-8"))):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        slugs.add(f"{slug}-{slug_counts[slug]}" if slug_counts[slug] else slug)
        slug_counts[slug] += 1
    return slugs


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the options of each `manage.py` command in a text, in blocks or inline."""
    for name, rest in re.findall(r"manage\.py ([a-z_]+)((?:[^`\n#|;&]|\\\n)*)", text):
        yield name, re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest)
