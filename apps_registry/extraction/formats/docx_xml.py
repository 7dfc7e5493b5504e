"""Opens and parses the parts of a DOCX, a zip of XML (ECMA-376), within limits."""

import io
import re
import zipfile
from collections.abc import Callable
from xml.parsers import expat

from apps_registry.extraction.blocks import MAX_RATIO, MAX_UNPACKED_BYTES, MIN_BYTES_FOR_RATIO, UnreadableError
from apps_registry.extraction.formats.signatures import describe_package, describe_unreadable, is_page

MAX_PARTS = 5000
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main "
_MATH = (
    "http://schemas.openxmlformats.org/officeDocument/2006/math ",
    "http://purl.oclc.org/ooxml/officeDocument/math ",
)
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006 "
# The package's relationships name the main part; its name is not fixed.
_MAIN = re.compile(rb"<[^<>]*\bType\s*=\s*[\"'][^\"']*/officeDocument[\"'][^<>]*>")
_TARGET = re.compile(rb"\bTarget\s*=\s*[\"']/?([^\"'<>]{1,300})[\"']")

Attributes = dict[str, str]


class Package:
    """An open DOCX."""

    def __init__(self, data: bytes) -> None:
        """Open a file; raises UnreadableError if it is not a Word document or cannot be read."""
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile:
            page = "It is HTML; name it .html." if is_page(data) else "It may be damaged."
            why = describe_unreadable(data) or page
            raise UnreadableError(f"The file's name says DOCX, but its content is not one. {why}") from None
        self.names = self._archive.namelist()
        if len(self.names) > MAX_PARTS:
            raise UnreadableError(f"The DOCX has {len(self.names):,} parts, more than any real one.")
        if any(name.lower().endswith("vbaproject.bin") for name in self.names):
            raise UnreadableError("The document holds macros: save it without them, as a plain .docx.")
        self.main = self._main_part()

    def _main_part(self) -> str:
        name = "word/document.xml"
        if "_rels/.rels" in self.names and (main := _MAIN.search(self.part("_rels/.rels"))):
            target = _TARGET.search(main[0])
            name = target[1].decode("utf-8", "replace") if target else name
        if name not in self.names:
            description = describe_package(self.names)
            why = f" {description}" if description else ""
            raise UnreadableError(f"The file's name says DOCX, but there is no Word document in it.{why}")
        return name

    def next_to_main(self, name: str) -> str:
        """Return the name of a part in the main part's folder."""
        return f"{self.main.rpartition('/')[0]}/{name}".lstrip("/")

    def part(self, name: str) -> bytes:
        """Return one part, but never read more than the limit, whatever its header claims."""
        info = self._archive.getinfo(name)
        limit = MAX_UNPACKED_BYTES
        if info.compress_size:
            limit = min(limit, max(MIN_BYTES_FOR_RATIO, info.compress_size * MAX_RATIO))
        with self._archive.open(info) as part:
            content = part.read(limit + 1)
        if len(content) > limit:
            raise UnreadableError("The document unpacks to far more than its size; it looks like a zip bomb.")
        return content


def parse(
    part: bytes,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    characters: Callable[[str], None] | None = None,
) -> None:
    """Parse a part. Document type declarations are refused, and with them all entities.

    Args:
        part: the part as XML.
        start: called with the name and attributes of each Word element, both without their namespace; other elements
            have the names `math:…` and `compatibility:…`, or an empty name.
        end: called with the same name at the end of the element.
        characters: called with the text in between.
    """
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise UnreadableError("The document declares XML entities, which no real one does.")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: start(
        local(name), {local(key) or key: value for key, value in attributes.items()}
    )
    parser.EndElementHandler = (lambda name: end(local(name))) if end else None
    parser.CharacterDataHandler = characters
    parser.buffer_text = True
    parser.Parse(part, True)


def local(name: str) -> str:
    """Return the name of an element in Word's namespace, in either its transitional or its strict form."""
    if name.startswith(WORD):
        return name[len(WORD) :]
    if name.startswith(_STRICT):
        return name[len(_STRICT) :]
    for space in _MATH:
        if name.startswith(space):
            return "math:" + name[len(space) :]
    return "compatibility:" + name[len(_COMPATIBILITY) :] if name.startswith(_COMPATIBILITY) else ""
