"""Starts the limited child process (see work.py) and waits for its result."""

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
GRACE_SECONDS = 2.0  # the child enforces its own time limit; this is for a child that cannot
_REASONS_BY_SIGNAL: dict[int, str] = {
    signal.SIGXCPU: f"Reading the file takes more than {CPU_SECONDS} seconds of work.",
    signal.SIGALRM: f"Reading the file takes more than {WALL_SECONDS} seconds.",
    signal.SIGXFSZ: "The file unpacks to far more than its size.",
}


def _ignore(_: int) -> None:
    """Discard the progress."""


async def run(
    module: str, argument: str, data: bytes, out: BinaryIO, *, on_progress: Callable[[int], None] = _ignore
) -> None:
    """Run a function of a module in a limited child process.

    Args:
        module: dotted name of a module of this project with a function `work(argument, data, out)`.
        argument: passed to that function.
        data: untrusted bytes.
        out: a real file; receives the output and is rewound to its beginning.
        on_progress: called with the percentage done, if the function writes numbers to standard error, one per line.

    Raises:
        Refused: the function did not finish; the message says why.
    """
    child = await _start(module, argument, data, out)
    try:
        async with asyncio.timeout(WALL_SECONDS + GRACE_SECONDS):
            await _follow(child, on_progress)
            code = await child.wait()
    except TimeoutError:
        raise Refused(_REASONS_BY_SIGNAL[signal.SIGALRM]) from None
    finally:
        with suppress(ProcessLookupError):
            child.kill()
    out.seek(0)
    if code == REFUSED:
        raise Refused(out.read(1000).decode("utf-8", "replace"))
    if code:
        # When memory runs out inside a C library, the child ends by a signal or an exit code of that library.
        raise Refused(_REASONS_BY_SIGNAL.get(-code, "The reader crashed on the file, which may be damaged or a bomb."))


async def result_of(module: str, argument: str, data: bytes) -> bytes:
    """Return the output of the function; see `run`."""
    with tempfile.TemporaryFile() as out:
        await run(module, argument, data, out)
        return await asyncio.to_thread(out.read)


async def _start(module: str, argument: str, data: bytes, out: BinaryIO) -> asyncio.subprocess.Process:
    # Files instead of pipes: neither process waits for the other or keeps its output in memory.
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
    """Report the percentages; drop the warnings of parser libraries, which may quote the file."""
    assert child.stderr is not None  # noqa: S101 - it is a pipe
    while chunk := await child.stderr.read(65_536):
        last_lines = chunk.split(b"\n")[-2:-1]
        if last_lines and last_lines[0].isdigit():
            on_progress(min(100, int(last_lines[0])))
