"""Extracts documents in the limited child process and reads its result."""

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.chunking import Chunk
from apps_registry.support.limited import child
from apps_registry.support.limited.errors import Refused
from apps_registry.support.text.outside_text import storable

READER = "apps_registry.extraction.extract"


@dataclass(frozen=True, slots=True)
class Extraction:
    """The result of extracting a file.

    Attributes:
        title: the file's own title, or empty.
        hidden: invisible text in the file, for the operator.
        losses: what else is missing or was guessed, as Losses.report gives it.
        chunks: at least one.
    """

    title: str
    hidden: list[str]
    losses: list[dict[str, Any]]
    chunks: list[Chunk]


async def extract(kind: str, data: bytes, *, on_progress: Callable[[int], None]) -> Extraction:
    """Extract the text of a file.

    Args:
        kind: one of names.KINDS.
        data: the file.
        on_progress: called with the percentage done, for long files.

    Raises:
        UnreadableError: the file contains no readable text; the message says why.
    """
    with tempfile.TemporaryFile() as out:
        try:
            await child.run(READER, kind, data, out, on_progress=on_progress)
        except Refused as error:
            raise UnreadableError(str(error)) from None
        return await asyncio.to_thread(_parse, out)


async def unpack_to(data: bytes, out: BinaryIO) -> None:
    """Unpack a zip into a file, as frames (see unpack.py).

    Raises:
        UnreadableError: it is damaged, encrypted or over the limits.
    """
    try:
        await child.run(READER, "zip", data, out)
    except Refused as error:
        raise UnreadableError(str(error)) from None


def _parse(out: BinaryIO) -> Extraction:
    try:
        result = json.load(out)
    except ValueError:
        raise UnreadableError("The file could not be read completely.") from None
    chunks = [
        Chunk(text, heading, tuple(pages) if pages else None, tuple(lines) if lines else None)
        for text, heading, pages, lines in result["chunks"]
    ]
    return Extraction(storable(result["title"]), result["hidden"], result["losses"], chunks)
