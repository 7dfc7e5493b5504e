"""Starts the limited child process (see work.py) and follows it to its end."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from apps_registry.support.limited.errors import Refused
from apps_registry.support.limited.work import CPU_SECONDS, REFUSED, WALL_SECONDS

PROJECT_DIR = Path(__file__).resolve().parents[3]
GRACE_SECONDS = 2.0  # the child ends itself in time; this is for one that cannot
_SIGNALS: dict[int, str] = {
    signal.SIGXCPU: f"Reading the file takes more than {CPU_SECONDS} seconds of work.",
    signal.SIGALRM: f"Reading the file takes more than {WALL_SECONDS} seconds.",
    signal.SIGXFSZ: "The file unpacks to far more than its size.",
}


def _ignore(_: int) -> None:
    """Follow no progress."""


async def run(
    module: str, argument: str, data: bytes, out: BinaryIO, *, on_progress: Callable[[int], None] = _ignore
) -> None:
    """Have a limited child do some work.

    Args:
        module: one of ours with a function `work(argument, data, out)`.
        argument: for it.
        data: what a stranger wrote.
        out: a real file; gets what the work writes, and stands at its beginning afterwards.
        on_progress: is told how many percent are done, by work that writes numbers to standard error, one a line.

    Raises:
        Refused: the work was not done; the message says why.
    """
    child = await _start(module, argument, data, out)
    try:
        async with asyncio.timeout(WALL_SECONDS + GRACE_SECONDS):
            await _follow(child, on_progress)
            code = await child.wait()
    except TimeoutError:
        raise Refused(_SIGNALS[signal.SIGALRM]) from None
    finally:
        with suppress(ProcessLookupError):
            child.kill()
    out.seek(0)
    if code == REFUSED:
        raise Refused(out.read(1000).decode("utf-8", "replace"))
    if code:
        # A limit of memory that strikes inside a C library ends it by a signal or an error of its own.
        raise Refused(_SIGNALS.get(-code, "Reading the file ended the reader; it may be damaged or a bomb."))


async def result_of(module: str, argument: str, data: bytes) -> bytes:
    """Return what the work writes; see `run`."""
    with tempfile.TemporaryFile() as out:
        await run(module, argument, data, out)
        return await asyncio.to_thread(out.read)


async def _start(module: str, argument: str, data: bytes, out: BinaryIO) -> asyncio.subprocess.Process:
    # Files instead of pipes: neither side can make the other wait, or hold what it wrote in memory.
    with tempfile.TemporaryFile() as source:
        await asyncio.to_thread(source.write, data)
        source.seek(0)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "apps_registry.support.limited.work",
            module,
            argument,
            stdin=source,
            stdout=out,
            stderr=asyncio.subprocess.PIPE,
            cwd=PROJECT_DIR,
            env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", "PATH": ""},
        )


async def _follow(child: asyncio.subprocess.Process, on_progress: Callable[[int], None]) -> None:
    """Take the percentages; warnings of the readers' libraries, which may quote the file, go nowhere."""
    assert child.stderr is not None  # noqa: S101 - it is a pipe
    while chunk := await child.stderr.read(65_536):
        last = chunk.split(b"\n")[-2:-1]
        if last and last[0].isdigit():
            on_progress(min(100, int(last[0])))
