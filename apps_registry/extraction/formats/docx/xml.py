"""Opens and parses the parts of a DOCX, a zip of XML (ECMA-376), within limits."""

import posixpath
from collections.abc import Callable
from xml.parsers import expat

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.formats.packages import OfficePackage

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main "
# Prefixes of the names that `parse` gives for elements of other namespaces.
_PREFIXES = {
    WORD: "",
    _STRICT: "",
    "http://schemas.openxmlformats.org/officeDocument/2006/math ": "math:",
    "http://purl.oclc.org/ooxml/officeDocument/math ": "math:",
    "http://schemas.openxmlformats.org/markup-compatibility/2006 ": "compatibility:",
    "http://schemas.openxmlformats.org/drawingml/2006/main ": "drawing:",
    "http://purl.oclc.org/ooxml/drawingml/main ": "drawing:",
    "http://schemas.openxmlformats.org/drawingml/2006/chart ": "chart:",
    "http://purl.oclc.org/ooxml/drawingml/chart ": "chart:",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram ": "diagram:",
    "http://purl.oclc.org/ooxml/drawingml/diagram ": "diagram:",
    "urn:schemas-microsoft-com:vml ": "vml:",
}

Attributes = dict[str, str]


class WordPackage(OfficePackage):
    """An open DOCX. Relationships name its parts; only those of simple programs have fixed names."""

    def __init__(self, data: bytes) -> None:
        """Open a file; raises UnreadableError if it is not a Word document or cannot be read."""
        super().__init__(data, "DOCX")
        self.refuse_macros(".docx")
        self.main = self.main_part("word/document.xml")
        if self.main not in self.names:
            self.refuse_other("there is no Word document in it")
        self._parts = self.relations(self.main)

    def parts(self, kind: str) -> list[str]:
        """Return the names of the parts of a kind, such as `styles` or `header`, that exist."""
        named = dict.fromkeys(name for other, name, _ in self._parts if other == kind and name in self.names)
        usual = f"{posixpath.dirname(self.main)}/{kind}.xml".lstrip("/")
        return list(named) or [usual] * (usual in self.names)


def parse(
    part: bytes,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    characters: Callable[[str], None] | None = None,
) -> None:
    """Parse a part. Document type declarations are refused, and with them all entities.

    Args:
        part: the part as XML.
        start: called with the name and attributes of each Word element, both without their namespace; elements of
            the namespaces in _PREFIXES have a prefix, others an empty name.
        end: called with the same name at the end of the element.
        characters: called with the text in between.
    """
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise UnreadableError("The document declares XML entities, which no real one does.")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: start(
        local(name), {key.rpartition(" ")[2]: value for key, value in attributes.items()}
    )
    parser.EndElementHandler = (lambda name: end(local(name))) if end else None
    parser.CharacterDataHandler = characters
    parser.buffer_text = True
    parser.Parse(part, True)


def local(name: str) -> str:
    """Return the name of an element without its namespace, in either its transitional or its strict form."""
    space, _, tag = name.rpartition(" ")
    prefix = _PREFIXES.get(f"{space} ")
    return "" if prefix is None else prefix + tag
