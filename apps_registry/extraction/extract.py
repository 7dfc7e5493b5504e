"""Runs in the limited child process: turns a document into chunks, or a zip into its files."""

import importlib
import json
from collections.abc import Callable
from typing import BinaryIO

from apps_registry.extraction.blocks import Reading, UnreadableError
from apps_registry.extraction.chunking import to_chunks
from apps_registry.extraction.unpack import unpack

BAD = "\ufffd"
MAX_BAD_SHARE = 0.2


def work(kind: str, data: bytes, out: BinaryIO) -> None:
    """Process a file of a kind from names.KINDS, or a `zip`.

    Raises:
        UnreadableError: it cannot be read, or contains no text.
    """
    if kind == "zip":
        unpack(data, out)
        return
    read: Callable[[bytes], Reading] = importlib.import_module(f"apps_registry.extraction.formats.{kind}").read
    try:
        reading = read(data)
    except RecursionError:
        raise UnreadableError("The file is nested too deeply.") from None
    if not reading.blocks:
        notes = [str(loss["note"]) for loss in reading.losses.report()]
        raise UnreadableError(" ".join(["The file contains no text.", *notes]))
    _count_bad_characters(reading)
    chunks = [(chunk.text, chunk.heading, chunk.pages, chunk.lines) for chunk in to_chunks(reading.blocks)]
    report = {"title": reading.title, "hidden": reading.hidden, "losses": reading.losses.report(), "chunks": chunks}
    out.write(json.dumps(report).encode())


def _count_bad_characters(reading: Reading) -> None:
    """Report the characters that could not be decoded; refuse a text that is full of them."""
    bad = sum(block.text.count(BAD) for block in reading.blocks) - reading.losses.counts.get("symbols", 0)
    if bad <= 0:
        return
    share = bad / reading.characters
    if share > MAX_BAD_SHARE:
        raise UnreadableError(f"{share:.0%} of the characters in the file are not readable: save it again as UTF-8.")
    reading.losses.add("bad_characters", bad, f"{share:.1%}" if share >= 0.001 else "less than 0.1%")
