"""Front matter, the metadata before Markdown: YAML between lines of `---`, or TOML between lines of `+++`."""

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

import yaml

from apps_registry.extraction.blocks import clean_line
from apps_registry.extraction.formats.json_data import lines_of

MAX_CHARS = 20_000  # PyYAML reads 100 kB per second
MAX_DEPTH = 20
# Jekyll and its successors write YAML, Hugo also TOML.
_FENCED = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)??(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"\s*(?:#.*\n\s*)*[\w.\"'-]+[ \t]*[:=]")
_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(\"|'|)(.{1,300}?)\1[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields of a text: its title, and the others as lines such as `description: How long refunds take`."""

    title: str = ""
    lines: list[str] = field(default_factory=list)


def split(source: str) -> tuple[FrontMatter, str]:
    """Return the fields of a text, and the text with blank lines in their place; text between two rules has none."""
    match = _FENCED.match(source)
    if match is None or not _FIELD.match(match[2] or ""):
        return FrontMatter(), source
    return _fields(match[2], is_toml=match[1] == "+++"), "\n" * match[0].count("\n") + source[match.end() :]


def _fields(text: str, *, is_toml: bool) -> FrontMatter:
    """Return the fields; if they do not parse, the lines unchanged."""
    try:
        fields = tomllib.loads(text) if is_toml else _load_yaml(text)
    except (ValueError, TypeError, OverflowError, yaml.YAMLError):
        title = _TITLE.search(text)
        return FrontMatter(clean_line(title[2]) if title else "", text.strip("\n").split("\n"))
    title_text = clean_line(str(fields.pop("title", None) or ""))
    return FrontMatter(title_text, list(lines_of(fields)))


def _load_yaml(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARS:
        raise ValueError
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):  # a few lines of aliases can be gigabytes
            raise ValueError
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError
    fields = yaml.safe_load(text)
    if not isinstance(fields, dict):
        raise TypeError
    return fields
