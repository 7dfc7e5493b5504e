"""What every embedder offers."""

from collections.abc import Sequence
from typing import Protocol

Vector = Sequence[float]


class EmbedderError(Exception):
    """There are no vectors now; the message is one sentence for the operator."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector a text.

        Args:
            texts: chunks with their headings, or one query.

        Raises:
            EmbedderError: it cannot now.
        """
