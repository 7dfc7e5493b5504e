"""reStructuredText: the document as docutils parses it, without the content that directives would fetch."""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import directives, roles

from apps_registry.extraction.blocks import Block, Outline, Reading, clean_line
from apps_registry.extraction.formats.rst.directives import CODE, OWN, SILENT, Unknown
from apps_registry.extraction.formats.text import decode
from apps_registry.extraction.tables import Cell, Grid, cell_text

_DIRECTIVE = re.compile(r"^[ \t]*\.\. ([A-Za-z][\w:+.-]*)::", re.MULTILINE)
_ROLE = re.compile(r"(?<![\w:]):([A-Za-z][\w:+.-]*):`")
_TARGET = re.compile(r"\A(.*?)\s*<[^<>]+>\Z", re.DOTALL)
STRUCK = {"del", "deleted", "s", "strike", "strikethrough", "line-through"}  # names of roles
_SETTINGS = {
    "report_level": 3,  # errors stay in the tree, with the source that docutils does not understand
    "halt_level": 5,
    "warning_stream": "",
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "input_encoding": "unicode",
    "doctitle_xform": False,
    "syntax_highlight": "none",
    "_disable_config": True,
    "line_length_limit": 100_000,
}


def read(data: bytes) -> Reading:
    """Return the blocks under the titles of their sections, with line numbers."""
    reading = Reading()
    source = decode(data, reading.losses)
    _register(source, reading)
    tree = publish_doctree(source, settings_overrides={**_SETTINGS, "reading": reading})
    for struck in [inner for inner in tree.findall(nodes.inline) if STRUCK & set(inner["classes"])]:
        reading.strike(struck.astext())
        struck.parent.remove(struck)
    reading.losses.add("equations", sum(isinstance(node, nodes.math | nodes.math_block) for node in tree.findall()))
    walker = _Walker(reading)
    walker.walk(tree, 0)
    walker.outline.end()
    return reading


def _register(source: str, reading: Reading) -> None:
    """Make docutils keep the text of directives and roles that it does not know; it would drop it as an error."""
    for name, directive in OWN.items():
        directives.register_directive(name, directive)
    for name in dict.fromkeys(_DIRECTIVE.findall(source)):
        if name not in directives._directives and name not in directives._directive_registry:
            directives.register_directive(name, Unknown)
        if directives._directives.get(name) is Unknown:
            reading.losses.add("unknown_markup", name not in CODE | SILENT and not name.startswith("auto"), name)
    for name in dict.fromkeys(_ROLE.findall(source)):
        if name not in roles._role_registry and name not in roles._roles:
            roles.register_local_role(name, _plain_role)


def _plain_role(name: str, _raw: str, text: str, *_: Any, **__: Any) -> tuple[list[nodes.Node], list[nodes.Node]]:
    target = _TARGET.match(text)
    shown = (target[1] if target else text).lstrip("~!")
    return [nodes.inline(shown, shown, classes=[name])], []


class _Walker:
    """Adds the nodes of a document to a reading."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.outline = reading, Outline(reading)

    def walk(self, parent: Any, level: int) -> None:
        """Add what a node contains; `level` is the number of open sections."""
        for node in parent.children:
            if isinstance(node, nodes.section):
                self.walk(node, level + 1)
            elif isinstance(node, nodes.title) and isinstance(parent, nodes.section):
                self._title(node, level)
            elif isinstance(node, nodes.comment | nodes.substitution_definition | nodes.raw):
                self.reading.hide("" if isinstance(node, nodes.substitution_definition) else node.astext())
            elif isinstance(node, nodes.system_message):
                self._malformed(node)
            elif isinstance(node, nodes.image):
                self.reading.losses.add("images")
            elif isinstance(node, nodes.table):
                self._table(node)
            elif isinstance(node, nodes.TextElement):
                self._text(node)
            else:
                self.walk(node, level)

    def _title(self, node: Any, level: int) -> None:
        title = clean_line(node.astext())
        self.outline.begin(level, title)
        self.reading.title = self.reading.title or (title if level == 1 else "")

    def _malformed(self, message: Any) -> None:
        """Add the source of what docutils does not understand, unless it is also elsewhere in the tree."""
        for source in message.findall(nodes.literal_block):
            line = message.get("line")
            self.reading.losses.add("unknown_markup", detail=f"line {line}")
            self.reading.add(Block(source.astext(), self.outline.path, line=line))

    def _text(self, node: Any) -> None:
        self.reading.losses.add("images", sum(1 for _ in node.findall(nodes.image)))
        self.reading.add(Block(node.astext(), self.outline.path, line=node.line))

    def _table(self, node: Any) -> None:
        grid = Grid()
        title = next((title_node.astext() for title_node in node.findall(nodes.title)), "")
        for row in node.findall(nodes.row):
            grid.add(_cells(row), is_header=isinstance(row.parent, nodes.thead))
        for block in grid.blocks(self.outline.path, caption=clean_line(title)):
            self.reading.add(block)


def _cells(row: Any) -> Iterator[Cell]:
    for entry in row.findall(nodes.entry, descend=True):
        yield Cell(cell_text(entry.astext()), entry.get("morecols", 0) + 1, entry.get("morerows", 0) + 1)
