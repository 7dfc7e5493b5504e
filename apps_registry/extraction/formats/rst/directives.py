"""Directives of reStructuredText that docutils does not know, or that read other files."""

from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.parsers.rst.directives.misc import Raw
from docutils.parsers.rst.directives.tables import CSVTable

from apps_registry.extraction.blocks import Reading, clean_line
from apps_registry.extraction.formats import html

CODE = {"code-block", "sourcecode", "highlight", "productionlist", "prompt", "parsed-literal"}
# They list other documents or change a setting, and show no text.
SILENT = {"toctree", "index", "highlight", "currentmodule", "module", "tabularcolumns"}


class _AnyOption(dict[str, Any]):
    """The options of an unknown directive: all names are allowed, and values are text."""

    def __missing__(self, _name: str) -> Any:
        return directives.unchanged

    def __bool__(self) -> bool:
        return True


class Unknown(Directive):  # type: ignore[misc]
    """A directive of another program, such as Sphinx: its arguments and its content are text."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = _AnyOption()

    def run(self) -> list[nodes.Node]:
        """Return the content, as code if the directive is one for code."""
        if self.name in SILENT:
            return []
        text = "\n".join(self.content)
        if self.name in CODE:
            return [nodes.literal_block(text, text)] if text else []
        box = nodes.container()
        if self.arguments:
            box += nodes.paragraph("", self.arguments[0])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class _Elsewhere(Unknown):
    """A directive that shows another file or source code: it is counted as a loss, and never read."""

    def run(self) -> list[nodes.Node]:
        """Count the directive as a loss."""
        _count(self, " ".join([self.name, *self.arguments]))
        return []


class _OwnTable(CSVTable):  # type: ignore[misc]
    """A table whose rows may be in another file."""

    def run(self) -> list[nodes.Node]:
        """Return the table, unless its rows are elsewhere."""
        if not (source := self.options.get("file") or self.options.get("url")):
            return list(super().run())
        _count(self, str(source))
        return []


class _OwnRaw(Raw):  # type: ignore[misc]
    """Content for one output format: what a page shows of HTML is text."""

    def run(self) -> list[nodes.Node]:
        """Return the text of HTML; list other content as hidden."""
        if source := self.options.get("file") or self.options.get("url"):
            _count(self, str(source))
            return []
        content, reading = "\n".join(self.content), _reading(self)
        if "html" not in self.arguments[0].lower().split():
            reading.hide(content)
            return []
        inner = html.read_page(content)
        reading.take_losses(inner)
        return [nodes.paragraph(block.text, block.text) for block in inner.blocks]


def _count(directive: Directive, detail: str) -> None:
    _reading(directive).losses.add("includes", detail=clean_line(detail))


def _reading(directive: Directive) -> Reading:
    reading: Reading = directive.state.document.settings.reading
    return reading


_AUTO = ("module", "class", "function", "method", "data", "exception", "attribute", "summary", "decorator", "property")
OWN: dict[str, Any] = {
    "include": _Elsewhere,
    "literalinclude": _Elsewhere,
    "raw": _OwnRaw,
    "csv-table": _OwnTable,
    **{f"auto{name}": _Elsewhere for name in _AUTO},
}
