"""The limited child process: `python -m apps_registry.retrieval.extract KIND`, a file in, its chunks out.

It limits itself before it looks at a single byte, needs no network, and knows no secret: its environment is empty.
"""

import importlib
import json
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from apps_registry.retrieval.blocks import MAX_UNPACKED_BYTES, MIB, Reading, UnreadableError
from apps_registry.retrieval.chunking import to_chunks
from apps_registry.retrieval.unpack import unpack

MEMORY_BYTES = 512 * MIB
CPU_SECONDS = 30
WALL_SECONDS = 60
REFUSED = 3  # exit code: the reason is on standard output


def main() -> None:
    """Read standard input as the kind that the command line names; exit with REFUSED and a reason if it cannot be."""
    _limit()
    kind = sys.argv[1]
    try:
        data = sys.stdin.buffer.read()
        if kind == "zip":
            unpack(data, sys.stdout.buffer)
        else:
            _read(kind, data)
    except UnreadableError as error:
        _refuse(str(error))
    except MemoryError:
        _refuse(f"Reading the file takes more than {MEMORY_BYTES // MIB} MB of memory; it may be a bomb.")
    except Exception as error:  # whatever a broken file does to a reader
        _refuse(f"The file is damaged, or not what its name says ({type(error).__name__}).")


def _read(kind: str, data: bytes) -> None:
    read: Callable[[bytes], Reading] = importlib.import_module(f"apps_registry.retrieval.formats.{kind}").read
    reading = read(data)
    if not reading.blocks:
        raise UnreadableError("The file holds no text.")
    chunks = [(chunk.text, chunk.heading, chunk.pages, chunk.lines) for chunk in to_chunks(reading.blocks)]
    json.dump({"title": reading.title, "hidden": reading.hidden, "chunks": chunks}, sys.stdout)


def _limit() -> None:
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: MAX_UNPACKED_BYTES + 32 * MIB,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: MEMORY_BYTES,
    }
    for what, value in limits.items():
        with suppress(ValueError, OSError):  # macOS knows no limit of memory
            resource.setrlimit(what, (value, value + 1 if what == resource.RLIMIT_CPU else value))
    signal.alarm(WALL_SECONDS)  # also when the parent is gone


def _refuse(reason: str) -> None:
    with suppress(OSError):
        sys.stdout.seek(0)
        sys.stdout.truncate()
    sys.stdout.write(reason)
    sys.stdout.flush()
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
