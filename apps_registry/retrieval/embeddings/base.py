"""The interface of embedders, and what the embedded ones share."""

import os
from collections.abc import Sequence
from typing import Protocol

Vector = Sequence[float]


class EmbedderError(Exception):
    """Vectors are unavailable; the message is one sentence for the operator."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector for each text.

        Args:
            texts: chunks with their headings, or one query.

        Raises:
            EmbedderError: vectors are unavailable.
        """


def threads() -> int:
    """Return half of the cores, so that search does not block everything else on the machine."""
    return max(1, (os.cpu_count() or 1) // 2)


def limit_threads() -> None:
    """Give numpy that many threads. It has an effect only before numpy is imported."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads()))
