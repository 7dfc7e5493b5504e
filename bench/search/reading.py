"""Measures how fast documents of each kind are read: `python -m bench.search.reading FOLDER`.

Each file of a known kind goes through the limited child process, as in an ingest, without a database. The processor
time of a file includes the start of its child, 0.1 to 0.3 seconds. It prints as JSON, by extension: the files by state
(ready, ready with a note, failed), megabytes, characters, seconds of processor time for a megabyte and a file, and
kilobytes and characters for each second of it.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
os.environ.setdefault("AOMI_ENV", "local")

import django

django.setup()

from apps_registry.extraction.blocks import UnreadableError  # noqa: E402
from apps_registry.extraction.child import extract  # noqa: E402
from apps_registry.extraction.names import KINDS, suffix  # noqa: E402


@dataclass(slots=True)
class Speed:
    """The sums over the files of an extension."""

    states: Counter[str] = field(default_factory=Counter)
    size: int = 0
    characters: int = 0
    seconds: float = 0.0

    def report(self) -> dict[str, Any]:
        """Return the numbers as JSON."""
        files, megabytes = self.states.total(), self.size / 1e6
        return {
            **self.states,
            "megabytes": round(megabytes, 2),
            "characters": self.characters,
            "cpu_seconds_per_megabyte": round(self.seconds / megabytes, 2) if megabytes else None,
            "cpu_seconds_per_file": round(self.seconds / files, 2),
            "kilobytes_per_cpu_second": round(self.size / 1e3 / self.seconds),
            "characters_per_cpu_second": round(self.characters / self.seconds),
        }


def main() -> None:
    """Read the files and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with documents")
    options = parser.parse_args()
    json.dump(asyncio.run(_measure(_files(options.folder))), sys.stdout, indent=2)
    sys.stdout.write("\n")


def _files(folder: Path) -> list[tuple[str, bytes]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and suffix(path.name) in KINDS)
    return [(suffix(path.name), path.read_bytes()) for path in paths]


async def _measure(files: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    speeds: dict[str, Speed] = defaultdict(Speed)
    for extension, data in files:
        await _read(extension, data, speeds[extension])
    return {extension: speed.report() for extension, speed in sorted(speeds.items())}


async def _read(extension: str, data: bytes, speed: Speed) -> None:
    before = _child_seconds()
    try:
        extraction = await extract(KINDS[extension], data, on_progress=lambda _: None)
    except UnreadableError:
        speed.states["failed"] += 1
    else:
        speed.states["ready with a note" if extraction.losses else "ready"] += 1
        speed.characters += sum(len(chunk.text) for chunk in extraction.chunks)
    speed.size += len(data)
    speed.seconds += _child_seconds() - before


def _child_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
