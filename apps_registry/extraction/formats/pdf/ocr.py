"""Text recognition (OCR) of PDF pages, where the operator has installed it: the extra `ocr`, and tesseract."""

import os
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from pypdf import PageObject, PdfReader

WALL_SECONDS = 40.0
RESERVE_SECONDS = 15.0  # of the limited child's time, for the steps after recognition
MAX_LANGUAGES = 5  # each one makes recognition slower
# The environment of the child is empty.
_PLACES = "/usr/local/bin:/usr/bin:/opt/homebrew/bin:/opt/local/bin"
HOW_TO_RECOGNISE = "Run text recognition (OCR) first, for example with ocrmypdf"
HOW_TO_INSTALL = ", or install tesseract and the extra `ocr` on the server"


def how_to_recognise() -> str:
    """Return advice for the operator on how to get pages read that are pictures."""
    return f"{HOW_TO_RECOGNISE}{'' if _program() else HOW_TO_INSTALL}."


def recognise(pdf: PdfReader, numbers: Sequence[int]) -> dict[int, str]:
    """Return the text of pages that are pictures, by page number, until the time is over.

    Args:
        pdf: the document.
        numbers: of the pages.
    """
    program, texts = _program(), dict[int, str]()
    if not program or not numbers:
        return texts
    import pytesseract  # noqa: PLC0415 - it is optional, and few documents need it

    pytesseract.pytesseract.tesseract_cmd = program
    os.environ["OMP_THREAD_LIMIT"] = "1"
    deadline = time.monotonic() + _seconds_left()
    languages = "+".join([name for name in pytesseract.get_languages() if name != "osd"][:MAX_LANGUAGES])
    for number in numbers:
        if (left := deadline - time.monotonic()) <= 0:
            break
        # A picture that cannot be decoded, or takes too long, leaves its page unread.
        with suppress(Exception):
            text = pytesseract.image_to_string(_picture(pdf.pages[number - 1]), lang=languages, timeout=left)
            if text.strip():
                texts[number] = text.replace("\f", "").strip()
    return texts


def _seconds_left() -> float:
    """Return the time limit of recognition, so that late pages stay unread instead of the whole document failing."""
    alarm, _ = signal.getitimer(signal.ITIMER_REAL)  # set by the limited child; 0: none
    return min(WALL_SECONDS, alarm - RESERVE_SECONDS) if alarm else WALL_SECONDS


def _program() -> str:
    """Return the path of tesseract; empty if it or the extra is not installed."""
    return (shutil.which("tesseract", path=_PLACES) or "") if find_spec("pytesseract") else ""


def _picture(page: PageObject) -> Any:
    """Return the largest picture of a page, upright."""
    pictures = [file.image for file in page.images if file.image is not None]
    largest = max(pictures, key=lambda picture: picture.width * picture.height)
    return largest.convert("L").rotate(-int(page.get("/Rotate", 0)), expand=True)
