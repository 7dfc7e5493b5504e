"""PDF: the text of each page, under the headings of the outline."""

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError
from pypdfium2 import PdfDocument, PdfiumError

from apps_registry.extraction.blocks import MAX_TEXT_CHARS, Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats.pdf.annotations import count_embedded_files, page_annotations
from apps_registry.extraction.formats.pdf.lines import page_text, without_line_hyphens
from apps_registry.extraction.formats.pdf.ocr import how_to_recognise, recognise
from apps_registry.extraction.formats.pdf.scans import count_pictures, spans_of, unread_pages

MAX_PAGES = 5000


def read(data: bytes) -> Reading:
    """Return the paragraphs of the pages; reports progress on standard error, as one percentage per line."""
    if b"%PDF-" not in data[:1024]:
        raise UnreadableError("The file's name says PDF, but its content is not a PDF.")
    pdf, reading = PdfReader(io.BytesIO(data)), Reading()
    _open(pdf)
    total = len(pdf.pages)
    if total > MAX_PAGES:
        raise UnreadableError(f"The PDF has {total:,} pages; {MAX_PAGES:,} is the limit. Split it.")
    with suppress(Exception):  # the title is optional
        reading.title = clean_line(str((pdf.metadata and pdf.metadata.title) or ""))
    texts = list(_texts(data, total, reading))
    reading.losses.add("images", count_pictures(pdf, texts))
    texts = _with_annotations(pdf, texts, reading)
    scans = _recognised(pdf, texts, reading)
    headings = _headings(pdf)
    heading: tuple[str, ...] = ()
    for number, text in enumerate(without_line_hyphens(texts), 1):
        heading = headings.get(number, heading)
        for paragraph in text.split("\n\n"):
            reading.add(Block(paragraph, heading, page=number))
    _refuse_form(pdf, reading)
    count_embedded_files(pdf, reading)
    if not reading.blocks:
        raise UnreadableError(f"The PDF contains no text, perhaps only scanned images. {how_to_recognise()}")
    reading.losses.hint = how_to_recognise()
    reading.losses.add("page_text", len(scans), spans_of(scans))
    return reading


def _with_annotations(pdf: PdfReader, texts: list[str], reading: Reading) -> list[str]:
    """Return the texts of the pages, each with the values of its fields and its text annotations."""
    fields: set[str] = set()
    return [
        "\n\n".join(filter(None, [text, *page_annotations(page, reading, fields)]))
        for page, text in zip(pdf.pages, texts, strict=True)
    ]


def _recognised(pdf: PdfReader, texts: list[str], reading: Reading) -> list[int]:
    """Add the recognised text of pages that are pictures; return the numbers of the pages without any."""
    scans = unread_pages(pdf, texts)
    recognised = recognise(pdf, scans)
    for number, text in recognised.items():
        texts[number - 1] = f"{texts[number - 1]}\n\n{text}".strip()
    reading.losses.add("recognised", len(recognised), spans_of(list(recognised)))
    return [number for number in scans if number not in recognised]


def _texts(data: bytes, total: int, reading: Reading) -> Iterator[str]:
    """Yield the text of each page; raises UnreadableError if there is too much."""
    try:
        document = PdfDocument(data)
    except PdfiumError:
        raise UnreadableError("The PDF is damaged.") from None
    characters = 0
    for number in range(1, total + 1):
        text = _text(document, number, reading)
        characters += len(text)
        if characters > 2 * MAX_TEXT_CHARS:  # with white space that is not stored
            raise UnreadableError(f"The file contains more than {MAX_TEXT_CHARS:,} characters of text. Split it.")
        yield text
        sys.stderr.write(f"{number * 100 // total}\n")


def _refuse_form(pdf: PdfReader, reading: Reading) -> None:
    """Refuse a form that only Acrobat can show: its only page says "Please wait"."""
    with suppress(PyPdfError):
        form = pdf.root_object.get("/AcroForm")
        is_form = form is not None and "/XFA" in form.get_object()
        if is_form and reading.blocks and reading.blocks[0].text.startswith("Please wait"):
            raise UnreadableError("The PDF is a form (XFA) that only Acrobat shows: print it to a PDF first.")


def _text(document: PdfDocument, number: int, reading: Reading) -> str:
    try:
        page = document[number - 1]
        try:
            return page_text(page)
        finally:
            page.close()
    except PdfiumError:
        reading.losses.add("parts", detail=f"page {number}")  # a damaged page leaves the others readable
        return ""


def _open(pdf: PdfReader) -> None:
    """Open a PDF whose password is empty, as viewers do; refuse others."""
    try:
        if pdf.is_encrypted and not pdf.decrypt(""):
            raise UnreadableError("The PDF is encrypted: save it without a password first.")
    except DependencyError:
        raise UnreadableError("The PDF is encrypted: save it without a password first.") from None


def _headings(pdf: PdfReader) -> dict[int, tuple[str, ...]]:
    """Return the outline as page -> path of the last entry that begins there; a broken outline counts as empty."""
    headings: dict[int, tuple[str, ...]] = {}

    def visit(entries: Iterable[Any], above: tuple[str, ...]) -> None:
        here = above
        for entry in entries:
            if isinstance(entry, list):
                visit(entry, here)
                continue
            here = (*above, clean_line(str(entry.title)))
            page = pdf.get_destination_page_number(entry)
            if page is not None and page >= 0:
                headings[page + 1] = here

    with suppress(Exception):
        visit(pdf.outline, ())
    return headings
