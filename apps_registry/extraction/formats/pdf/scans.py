"""Finds the pages of a PDF that are pictures of text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from pypdf import PageObject, PdfReader

MIN_CHARS = 20  # of a page with a picture, beyond what every page repeats
MAX_MARK_CHARS = 150  # a watermark or a stamp on a picture of a whole page
MIN_PIXELS = 400 * 400
MAX_NESTED = 5  # forms within forms


def unread_pages(pdf: PdfReader, texts: Sequence[str]) -> list[int]:
    """Return the numbers of the pages whose text is only in pictures, or drawn; empty pages do not count.

    Args:
        pdf: the document.
        texts: the text of each page.
    """
    lines = Counter(line.strip() for text in texts for line in set(text.split("\n")) if line.strip())
    repeated = {line for line, count in lines.items() if count >= 3 and count * 2 >= len(texts)}
    unread = []
    for number, (page, text) in enumerate(zip(pdf.pages, texts, strict=True), 1):
        own = "".join(line.strip() for line in text.split("\n") if line.strip() not in repeated)
        if len(own) > MAX_MARK_CHARS:
            continue
        with suppress(Exception):  # a broken page is not a scan
            if (not text.strip() and _draws(page)) or (len(own) < _limit(text, repeated) and _is_picture(page)):
                unread.append(number)
    return unread


def _limit(text: str, repeated: set[str]) -> int:
    """Return how many characters of its own a page with a picture may have and still be unread."""
    return MIN_CHARS if any(line.strip() in repeated for line in text.split("\n")) else MAX_MARK_CHARS


def _draws(page: PageObject) -> bool:
    contents = page.get_contents()
    return contents is not None and bool(contents.get_data().strip())


def _is_picture(page: PageObject) -> bool:
    """Tell whether a picture covers most of the page, by its pixels."""
    return any(pixels >= MIN_PIXELS for pixels in _pictures(page.get("/Resources"), 0))


def _pictures(resources: Any, depth: int) -> Iterator[int]:
    objects = resources.get_object().get("/XObject") if resources is not None else None
    for reference in objects.get_object().values() if objects is not None and depth < MAX_NESTED else ():
        found = reference.get_object()
        if found.get("/Subtype") == "/Image":
            yield int(found.get("/Width", 0)) * int(found.get("/Height", 0))
        elif found.get("/Subtype") == "/Form":
            yield from _pictures(found.get("/Resources"), depth + 1)


def spans_of(numbers: Sequence[int]) -> str:
    """Return numbers as spans, such as "1-3, 7"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)
