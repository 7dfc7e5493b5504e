"""The project's documents, as far as tests read Markdown."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.product import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
_FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def text_of(name: str) -> str:
    """The text of a document, by its path from the project's folder."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The part of a document from a heading to the next one of the same level or above."""
    text = text_of(name)
    begin = re.search(rf"^(#+) {re.escape(heading)} *$", text, re.MULTILINE)
    assert begin is not None, f"{name} has no section {heading}"
    end = re.search(rf"^#{{1,{len(begin[1])}}} ", text[begin.end() :], re.MULTILINE)
    return text[begin.end() :][: end.start() if end else None]


def blocks(name: str, language: str) -> list[str]:
    """A document's blocks of code in a language."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text_of(name), re.MULTILINE | re.DOTALL)
    return [block for _, block in found]


def links(text: str) -> list[str]:
    """The targets of a text's links, outside of its code."""
    return _LINK.findall(_CODE.sub("", _FENCED.sub("", text)))


def code_words(text: str) -> set[str]:
    """What a text has between backticks, outside of its blocks of code."""
    return set(_CODE.findall(_FENCED.sub("", text)))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_FENCED.sub("", path.read_text(encoding="utf-8"))):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the options of each `manage.py` command that a text shows, in blocks or in lines."""
    for name, rest in re.findall(r"manage\.py ([a-z_]+)((?:[^`\n#|;&]|\\\n)*)", text):
        yield name, re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest)
