"""Files that are zips of XML and HTML (Office Open XML, OpenDocument, EPUB), opened within limits."""

import io
import re
import zipfile
import zlib
from typing import NoReturn

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
            raise UnreadableError(f"The {kind} has {len(self.names):,} parts, more than any real one.")
        if any(info.flag_bits & 1 for info in self._archive.infolist()):
            raise UnreadableError("The file is behind a password; save it without one.")

    def refuse_macros(self, ending: str) -> None:
        """Raise UnreadableError if an Office document holds macros."""
        if any(name.lower().endswith("vbaproject.bin") for name in self.names):
            raise UnreadableError(f"The document holds macros: save it without them, as a plain {ending}.")

    def refuse_other(self, problem: str) -> NoReturn:
        """Raise UnreadableError for a zip of another kind, and say what it is."""
        description = describe_package(self.names)
        why = f" {description}" if description else ""
        raise UnreadableError(f"The file's name says {self.kind}, but {problem}.{why}")

    def part(self, name: str) -> bytes:
        """Return one part; raises UnreadableError if it is too large or damaged."""
        info = self._archive.getinfo(name)
        limit = MAX_UNPACKED_BYTES
        if info.compress_size:
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
        """Check all parts before a library that knows no limits opens the file.

        Raises:
            UnreadableError: together they are too large, or one declares XML entities.
        """
        left = MAX_UNPACKED_BYTES
        for name in dict.fromkeys(self.names):
            content = self.part(name)
            left -= len(content)
            if left < 0:
                raise UnreadableError("The document unpacks to far more than its size; it looks like a zip bomb.")
            if name.lower().endswith(_MARKUP) and declares_entities(content):
                raise UnreadableError("The document declares XML entities, which no real one does.")


def declares_entities(markup: bytes) -> bool:
    """Tell whether XML declares entities, also in UTF-16."""
    return _ENTITY.search(markup) is not None or _ENTITY.search(markup.replace(b"\0", b"")) is not None
