"""Files that are zips of XML and HTML (Office Open XML, OpenDocument, EPUB), opened within limits."""

import io
import posixpath
import re
import zipfile
import zlib
from typing import Any, NoReturn

from lxml import etree

from apps_registry.extraction.blocks import MAX_RATIO, MAX_UNPACKED_BYTES, MIN_BYTES_FOR_RATIO, UnreadableError
from apps_registry.extraction.formats.signatures import describe_package, describe_unreadable, is_page

MAX_PARTS = 5000
_MARKUP = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml")
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)


class Package:
    """An open zip, whose parts are never read beyond the limits, whatever its headers claim."""

    def __init__(self, data: bytes, kind: str) -> None:
        """Open a file.

        Args:
            data: the file.
            kind: the format for messages, such as DOCX.

        Raises:
            UnreadableError: it is not a zip, is encrypted, or has too many parts.
        """
        self.kind = kind
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile:
            page = "It is HTML; name it .html." if is_page(data) else "It may be damaged."
            why = describe_unreadable(data) or page
            raise UnreadableError(f"The file's name says {kind}, but its content is not one. {why}") from None
        self.names = self._archive.namelist()
        if len(self.names) > MAX_PARTS:
            raise UnreadableError(f"The {kind} has {len(self.names):,} parts, more than any normal one.")
        if any(info.flag_bits & 1 for info in self._archive.infolist()):
            raise UnreadableError("The file is protected by a password; save it without one.")

    def refuse_macros(self, ending: str) -> None:
        """Raise UnreadableError if an Office document contains macros."""
        if any(name.lower().endswith("vbaproject.bin") for name in self.names):
            raise UnreadableError(f"The document contains macros: save it without them, as a plain {ending}.")

    def refuse_other(self, problem: str) -> NoReturn:
        """Raise UnreadableError for a zip of another kind; the message says what it is."""
        description = describe_package(self.names)
        why = f" {description}" if description else ""
        raise UnreadableError(f"The file's name says {self.kind}, but {problem}.{why}")

    def part(self, name: str, *, is_dense: bool = False) -> bytes:
        """Return one part.

        Args:
            name: its name.
            is_dense: it may unpack to any multiple of its size, like simple drawings.

        Raises:
            UnreadableError: it is too large or damaged.
        """
        info = self._archive.getinfo(name)
        limit = MAX_UNPACKED_BYTES
        if info.compress_size and not is_dense:
            limit = min(limit, max(MIN_BYTES_FOR_RATIO, info.compress_size * MAX_RATIO))
        try:
            with self._archive.open(info) as part:
                content = part.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise UnreadableError(f"A part of the {self.kind} is damaged: {name}.") from None
        if len(content) > limit:
            raise UnreadableError("The document unpacks to far more than its size; it looks like a zip bomb.")
        return content

    def check(self) -> None:
        """Check all parts before a library without limits opens the file.

        Raises:
            UnreadableError: together they are too large, or one declares XML entities.
        """
        left = MAX_UNPACKED_BYTES
        for name in dict.fromkeys(self.names):
            is_markup = name.lower().endswith(_MARKUP)
            content = self.part(name, is_dense=not is_markup)
            left -= len(content)
            if left < 0:
                raise UnreadableError("The document unpacks to far more than its size; it looks like a zip bomb.")
            if is_markup and declares_entities(content):
                raise UnreadableError("The document declares XML entities, which no real one does.")


# The namespaces of Strict Open XML, and those of the transitional form, which programs write and libraries read.
_OFFICE = b"http://schemas.openxmlformats.org/"
_STRICT_NAMES = {
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": _OFFICE + b"officeDocument/2006/relationships",
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": _OFFICE + b"spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/presentationml/main": _OFFICE + b"presentationml/2006/main",
    b"http://purl.oclc.org/ooxml/drawingml/": _OFFICE + b"drawingml/2006/",
}


class OfficePackage(Package):
    """An open Office document, in which relationships name the parts (ECMA-376-2, 9.3)."""

    def transitional(self) -> bytes:
        """Return a Strict Open XML document in the transitional form, without its pictures."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name in dict.fromkeys(self.names):
                if name.lower().endswith(_MARKUP):
                    content = self.part(name)
                    for strict, usual in _STRICT_NAMES.items():
                        content = content.replace(strict, usual)
                    archive.writestr(name, content)
        return out.getvalue()

    def relations(self, source: str) -> list[tuple[str, str, str]]:
        """Return the relationships of a part as (kind, name of the target, id), such as `styles`.

        Args:
            source: name of the part; empty for the package.
        """
        folder, name = posixpath.split(source)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        relations: list[tuple[str, str, str]] = []
        for relation in parse_xml(self.part(listed)).iter("{*}Relationship") if listed in self.names else ():
            if relation.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", "")))
                kind = relation.get("Type", "").rpartition("/")[2]
                relations.append((kind, target.lstrip("/"), relation.get("Id", "")))
        return relations

    def main_part(self, usual: str) -> str:
        """Return the name of the main part; its usual name if nothing names it."""
        return next((name for kind, name, _ in self.relations("") if kind == "officeDocument"), usual)


def parse_xml(markup: bytes) -> Any:
    """Return the root of XML within the limits of libxml2: a depth of 256, and no entities.

    Raises:
        UnreadableError: it declares entities, or is not XML.
    """
    if declares_entities(markup):
        raise UnreadableError("The document declares XML entities, which no real one does.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(markup, parser)
    except etree.XMLSyntaxError:
        raise UnreadableError("The file is damaged: a part of it is not XML.") from None
    return root


def declares_entities(markup: bytes) -> bool:
    """Tell whether XML declares entities, also in UTF-16."""
    return _ENTITY.search(markup) is not None or _ENTITY.search(markup.replace(b"\0", b"")) is not None
