"""The settings as docs/configuration.md lists them: the only list of what they are called, mean and default to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"
_HEADING = re.compile(r"^#{2,3} +(.+)$")
_NAMES = re.compile(r"`([A-Z][A-Z0-9_]*)`")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class DocumentedSetting:
    """A row of a table in the document.

    Attributes:
        group: the heading above the table.
        name: of the environment variable.
        default: in the document's words; empty for the variables of other programs.
        unit: of a number; otherwise empty.
        meaning: what it does, as HTML.
    """

    group: str
    name: str
    default: str
    unit: str
    meaning: SafeString


@cache
def documented_settings() -> tuple[DocumentedSetting, ...]:
    """Return all settings in the document's order; none if the server was installed without its documents."""
    if not DOCUMENT.is_file():
        return ()
    return tuple(_rows(DOCUMENT.read_text(encoding="utf-8")))


def _rows(text: str) -> Iterator[DocumentedSetting]:
    group = ""
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            group = heading[1].strip()
        elif line.startswith("| `"):
            variables, *between, meaning = (cell.strip() for cell in line.strip().strip("|").split("|"))
            default, unit = between or ("", "")
            for name in _NAMES.findall(variables):
                yield DocumentedSetting(group, name, default.replace("`", ""), unit, _html(meaning))


def _html(markdown: str) -> SafeString:
    """Convert a cell: code stays code, and links become their text, because they lead to other documents."""
    parts = _LINK.sub(r"\1", markdown).split("`")
    shown = (format_html("<code>{}</code>", part) if position % 2 else part for position, part in enumerate(parts))
    return format_html_join("", "{}", ((part,) for part in shown))
