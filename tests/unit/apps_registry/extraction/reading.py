"""Reads small files in the test's own process."""

import importlib
from collections.abc import Callable

from apps_registry.extraction.blocks import Reading


def read(kind: str, data: bytes | str) -> Reading:
    """Return what the reader of this kind of file extracts."""
    reader: Callable[[bytes], Reading] = importlib.import_module(f"apps_registry.extraction.formats.{kind}").read
    return reader(data if isinstance(data, bytes) else data.encode())


def text_of(reading: Reading) -> str:
    return "\n".join(block.text for block in reading.blocks)


def losses_of(reading: Reading) -> dict[str, int]:
    return {str(loss["code"]): int(loss["count"]) for loss in reading.losses.report()}
