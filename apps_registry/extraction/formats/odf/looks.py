"""Finds the styles of an OpenDocument file that hide text or strike it through (ODF 1.3, 16.2 and 20.368)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from apps_registry.extraction.formats.odf.names import attribute, local

MAX_ANCESTORS = 12
_FAMILIES = {"span": "text", "a": "text", "p": "paragraph", "h": "paragraph", "table-cell": "table-cell"}
_NO_LINE = {"", "none"}


@dataclass(slots=True)
class _Style:
    parent: str
    is_hidden: bool | None
    is_struck: bool | None


@dataclass(slots=True)
class Looks:
    """The styles of a document, by family and name.

    Attributes:
        invisible: the names of the styles of tables, columns and slides that are not shown.
    """

    styles: dict[tuple[str, str], _Style] = field(default_factory=dict)
    invisible: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, root: Any) -> None:
        """Add the styles of a part."""
        for style in root.iter("{*}style"):
            family, name = attribute(style, "family"), attribute(style, "name")
            hidden = struck = None
            for look in style:
                if local(look) == "text-properties":
                    shown = attribute(look, "display")
                    hidden = shown == "none" if shown else None
                    line = attribute(look, "text-line-through-style") or attribute(look, "text-line-through-type")
                    struck = line not in _NO_LINE if line else None
                elif _is_invisible(look):
                    self.invisible[family].add(name)
            self.styles[family, name] = _Style(attribute(style, "parent-style-name"), hidden, struck)

    def hides(self, element: Any) -> bool:
        """Tell whether the style of an element hides its text."""
        return next((style.is_hidden for style in self._line(element) if style.is_hidden is not None), False)

    def strikes(self, element: Any) -> bool:
        """Tell whether the style of an element strikes its text through."""
        return next((style.is_struck for style in self._line(element) if style.is_struck is not None), False)

    def shows(self, family: str, element: Any) -> bool:
        """Tell whether a table, a column or a slide is shown."""
        return attribute(element, "style-name") not in self.invisible[family]

    def _line(self, element: Any) -> Iterator[_Style]:
        """Yield the style of an element and its ancestors; hostile files may contain cycles."""
        family, name = _FAMILIES.get(local(element), ""), attribute(element, "style-name")
        for _ in range(MAX_ANCESTORS):
            if (style := self.styles.get((family, name))) is None:
                return
            yield style
            name = style.parent


def _is_invisible(look: Any) -> bool:
    return attribute(look, "display") == "false" or attribute(look, "visibility") == "hidden"
