"""Recognises files by their first bytes, to refuse those whose extension is wrong with a helpful message."""

import re

_PACKED = "It is a {} archive; make a .zip."
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
# A password-protected document is a stream of this name in the container of old Word files ([MS-OFFCRYPTO] 2.3.4).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (rb"{\rtf", "It is RTF; name it .rtf."),
    (b"%PDF-", "It is a PDF; name it .pdf."),
    (b"7z\xbc\xaf\x27\x1c", _PACKED.format("7z")),
    (b"Rar!\x1a\x07", _PACKED.format("RAR")),
    (b"\x1f\x8b", _PACKED.format("gzip")),
    (b"\x89PNG", "It is a picture."),
    (b"\xff\xd8\xff", "It is a picture."),
)
# Other formats that are zips, by the names of their members.
_ZIPS = (
    ("word/", "It is a Word document; name it .docx."),
    ("xl/workbook", "It is an Excel workbook; name it .xlsx."),
    ("ppt/presentation", "It is a PowerPoint presentation; name it .pptx."),
    ("content.xml", "It is OpenDocument; name it .odt, .ods or .odp."),
    ("META-INF/container.xml", "It is an EPUB; name it .epub."),
)
_PAGE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|meta|body)\b", re.I | re.S
)
_MAIL = re.compile(rb"\A(?:[A-Za-z-]+:[^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n)*){1,30}", re.I)
_MIXED = re.compile(rb"^content-type:\s*multipart/related", re.I | re.M)


def describe_unreadable(data: bytes) -> str:
    """Return a sentence about a file that cannot be read as text; empty if it may be text."""
    if data.startswith(_OLD_OFFICE):
        locked = "It is protected by a password; save it without one."
        return (
            locked
            if _ENCRYPTED in data
            else "It is in an old format of Word, Excel or PowerPoint; save it as .docx, .xlsx or .pptx."
        )
    for signature, sentence in _SIGNATURES:
        if data.startswith(signature):
            return sentence
    head = _MAIL.match(data[:8192])
    if head and _MIXED.search(head[0]):
        return "It is MHTML, a page saved as a single file; save it as HTML only."
    return ""


def is_page(data: bytes) -> bool:
    """Tell whether a file begins like HTML."""
    return _PAGE.match(data[:2048]) is not None


def describe_package(names: list[str]) -> str:
    """Return a sentence about a zip that is not a Word document, by the names of its parts; empty if it is unknown."""
    for beginning, sentence in _ZIPS:
        if any(name.startswith(beginning) for name in names):
            return sentence
    return ""
