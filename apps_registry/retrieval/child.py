"""Starts the limited child process and takes what it made of a file."""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from apps_registry.outside_text import storable
from apps_registry.retrieval.blocks import UnreadableError
from apps_registry.retrieval.chunking import Chunk
from apps_registry.retrieval.extract import CPU_SECONDS, REFUSED, WALL_SECONDS

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
GRACE_SECONDS = 2.0  # the child ends itself in time; this is for one that cannot
_SIGNALS: dict[int, str] = {
    signal.SIGXCPU: f"Reading the file takes more than {CPU_SECONDS} seconds of work.",
    signal.SIGALRM: f"Reading the file takes more than {WALL_SECONDS} seconds.",
    signal.SIGXFSZ: "The file unpacks to far more than its size.",
}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the child made of a file.

    Attributes:
        title: the file's own, or empty.
        hidden: text in it that nobody sees, for the operator.
        chunks: at least one.
    """

    title: str
    hidden: list[str]
    chunks: list[Chunk]


async def extract(kind: str, data: bytes, *, on_progress: Callable[[int], None]) -> Extraction:
    """Read a file.

    Args:
        kind: one of names.KINDS.
        data: the file.
        on_progress: is told, for long files, how many percent are done.

    Raises:
        UnreadableError: no text can be had of it; the message says why.
    """
    with tempfile.TemporaryFile() as out:
        await _run(kind, data, out, on_progress)
        return await asyncio.to_thread(_parse, out)


async def unpack_to(data: bytes, out: BinaryIO) -> None:
    """Take a zip apart into a file, as frames (see unpack.py).

    Raises:
        UnreadableError: it is damaged, encrypted or beyond the limits.
    """
    await _run("zip", data, out, lambda _: None)
    out.seek(0)


def _parse(out: BinaryIO) -> Extraction:
    try:
        found = json.load(out)
    except ValueError:
        raise UnreadableError("The file could not be read to its end.") from None
    chunks = [
        Chunk(text, heading, tuple(pages) if pages else None, tuple(lines) if lines else None)
        for text, heading, pages, lines in found["chunks"]
    ]
    return Extraction(storable(found["title"]), found["hidden"], chunks)


async def _run(kind: str, data: bytes, out: BinaryIO, on_progress: Callable[[int], None]) -> None:
    # Files instead of pipes: neither side can make the other wait, or hold what it wrote in memory.
    with tempfile.TemporaryFile() as source:
        await asyncio.to_thread(source.write, data)
        source.seek(0)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "apps_registry.retrieval.extract",
            kind,
            stdin=source,
            stdout=out,
            stderr=asyncio.subprocess.PIPE,
            cwd=PROJECT_DIR,
            env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", "PATH": ""},
        )
    try:
        async with asyncio.timeout(WALL_SECONDS + GRACE_SECONDS):
            await _follow(child, on_progress)
            code = await child.wait()
    except TimeoutError:
        raise UnreadableError(_SIGNALS[signal.SIGALRM]) from None
    finally:
        with suppress(ProcessLookupError):
            child.kill()
    out.seek(0)
    if code == REFUSED:
        raise UnreadableError(storable(out.read(1000).decode("utf-8", "replace")))
    if code:
        # A limit of memory that strikes inside a C library ends it by a signal or an error of its own.
        raise UnreadableError(_SIGNALS.get(-code, "Reading the file ended the reader; it may be damaged or a bomb."))


async def _follow(child: asyncio.subprocess.Process, on_progress: Callable[[int], None]) -> None:
    """Take the percentages; warnings of the readers' libraries, which may quote the file, go nowhere."""
    assert child.stderr is not None  # noqa: S101 - it is a pipe
    while chunk := await child.stderr.read(65_536):
        last = chunk.split(b"\n")[-2:-1]
        if last and last[0].isdigit():
            on_progress(min(100, int(last[0])))
