"""Finds the pages of a PDF that are pictures of text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from pypdf import PageObject, PdfReader

MIN_CHARS = 20  # on a page with a picture, without the lines that every page repeats
MAX_MARK_CHARS = 150  # for a watermark or a stamp on a picture of a whole page
MIN_PIXELS = 400 * 400
MIN_SIDE = 40  # pixels
MAX_NESTED = 5  # forms within forms


def unread_pages(pdf: PdfReader, texts: Sequence[str]) -> list[int]:
    """Return the numbers of the pages whose text is only in pictures or drawn; empty pages do not count.

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
    """Return how many characters a page with a picture may have, without repeated lines, and still count as unread."""
    return MIN_CHARS if any(line.strip() in repeated for line in text.split("\n")) else MAX_MARK_CHARS


def _draws(page: PageObject) -> bool:
    contents = page.get_contents()
    return contents is not None and bool(contents.get_data().strip())


def _is_picture(page: PageObject) -> bool:
    """Tell whether a picture covers most of the page, by its pixels."""
    return any(width * height >= MIN_PIXELS for _, width, height in _pictures(page.get("/Resources"), 0))


def count_pictures(pdf: PdfReader, texts: Sequence[str]) -> int:
    """Return the number of pictures on pages with text; small ones do not count, and a repeated logo counts once.

    Args:
        pdf: the document.
        texts: the text of each page.
    """
    seen: set[Any] = set()
    for page, text in zip(pdf.pages, texts, strict=True):
        with suppress(Exception):
            if len(text.strip()) > MAX_MARK_CHARS or not _is_picture(page):
                pictures = _pictures(page.get("/Resources"), 0)
                seen |= {key for key, width, height in pictures if min(width, height) >= MIN_SIDE}
    return len(seen)


def _pictures(resources: Any, depth: int) -> Iterator[tuple[Any, int, int]]:
    """Yield a key, the width and the height of each picture, in pixels."""
    objects = resources.get_object().get("/XObject") if resources is not None else None
    for reference in objects.get_object().values() if objects is not None and depth < MAX_NESTED else ():
        target = reference.get_object()
        if target.get("/Subtype") == "/Image":
            key = getattr(target.indirect_reference, "idnum", id(target))
            yield key, int(target.get("/Width", 0)), int(target.get("/Height", 0))
        elif target.get("/Subtype") == "/Form":
            yield from _pictures(target.get("/Resources"), depth + 1)


def spans_of(numbers: Sequence[int]) -> str:
    """Return numbers as spans, such as "1-3, 7"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)
