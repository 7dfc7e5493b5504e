"""The interface of embedders."""

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
