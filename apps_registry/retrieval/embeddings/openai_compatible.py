"""Embeddings of any server that speaks OpenAI's `/embeddings`."""

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from apps_registry.credentials.provider_key import NoProviderKey, ProviderKey
from apps_registry.retrieval.embeddings.base import EmbedderError, Vector

TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)
MAX_ANSWER_BYTES = 32 * 1024 * 1024
LARGEST = 65_504.0  # that a half-precision number can be


class OpenAICompatibleEmbedder:
    """One embedding model of one server."""

    def __init__(self, *, base_url: str, key: ProviderKey, model_id: str, dimensions: int) -> None:
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._key = key
        self._model_id = model_id
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector a text.

        Raises:
            EmbedderError: the server is away, refuses, or answers something else than such vectors.
        """
        try:
            key = self._key.value()
        except NoProviderKey as error:
            raise EmbedderError(f"The embedding server cannot be asked: {error}.") from None
        body = {"model": self._model_id, "input": list(texts), "encoding_format": "float"}
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True) as session,
                session.post(self._url, data=orjson.dumps(body), headers=headers, allow_redirects=False) as response,
            ):
                content = await _bounded(response)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EmbedderError(f"The embedding server does not answer ({type(error).__name__}).") from error
        if status != 200:
            raise EmbedderError(f"The embedding server answers {status}.")
        return self._vectors(content, len(texts))

    def _vectors(self, content: bytes, count: int) -> list[Vector]:
        try:
            rows: list[dict[str, Any]] = sorted(orjson.loads(content)["data"], key=lambda row: row["index"])
            vectors = [[float(number) for number in row["embedding"]] for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise EmbedderError("The embedding server's answer holds no vectors.") from error
        if len(vectors) != count:
            raise EmbedderError(f"The embedding server gives {len(vectors)} vectors for {count} texts.")
        for vector in vectors:
            if len(vector) != self._dimensions:
                raise EmbedderError(
                    f"The embedding model's vectors have {len(vector)} numbers, not {self._dimensions}."
                )
            if not all(-LARGEST <= number <= LARGEST for number in vector):
                raise EmbedderError("The embedding server's vectors hold numbers that are no part of a direction.")
        return list(vectors)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_chunked(65_536):
        content += piece
        if len(content) > MAX_ANSWER_BYTES:
            raise EmbedderError("The embedding server's answer is too large.")
        await asyncio.sleep(0)
    return bytes(content)
