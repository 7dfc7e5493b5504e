"""Runs in the limited child process: turns a document into chunks, or a zip into its files."""

import importlib
import json
from collections.abc import Callable
from typing import BinaryIO

from apps_registry.extraction.blocks import Reading, UnreadableError
from apps_registry.extraction.chunking import to_chunks
from apps_registry.extraction.unpack import unpack


def work(kind: str, data: bytes, out: BinaryIO) -> None:
    """Process a file of a kind from names.KINDS, or a `zip`.

    Raises:
        UnreadableError: it cannot be read, or holds no text.
    """
    if kind == "zip":
        unpack(data, out)
        return
    read: Callable[[bytes], Reading] = importlib.import_module(f"apps_registry.extraction.formats.{kind}").read
    reading = read(data)
    if not reading.blocks:
        raise UnreadableError("The file holds no text.")
    chunks = [(chunk.text, chunk.heading, chunk.pages, chunk.lines) for chunk in to_chunks(reading.blocks)]
    out.write(json.dumps({"title": reading.title, "hidden": reading.hidden, "chunks": chunks}).encode())
