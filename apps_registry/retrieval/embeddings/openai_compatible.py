"""Embeddings from a server with OpenAI's `/embeddings` API."""

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from apps_registry.credentials.provider_key import NoProviderKey, ProviderKey
from apps_registry.retrieval.embeddings.base import EmbedderError, Vector

TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_COMPONENT = 65_504.0  # the largest half-precision number


class OpenAICompatibleEmbedder:
    """One embedding model of one server."""

    def __init__(self, *, base_url: str, key: ProviderKey, model_id: str, dimensions: int) -> None:
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._key = key
        self._model_id = model_id
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector for each text.

        Raises:
            EmbedderError: the server is unreachable, returns an error, or does not return valid vectors.
        """
        try:
            key = self._key.value()
        except NoProviderKey as error:
            raise EmbedderError(f"The embedding server cannot be called: {error}.") from None
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
            raise EmbedderError("The embedding server's answer contains no vectors.") from error
        if len(vectors) != count:
            raise EmbedderError(f"The embedding server returned {len(vectors)} vectors for {count} texts.")
        for vector in vectors:
            if len(vector) != self._dimensions:
                raise EmbedderError(
                    f"The embedding model's vectors have {len(vector)} numbers, not {self._dimensions}."
                )
            if not all(-MAX_COMPONENT <= number <= MAX_COMPONENT for number in vector):
                raise EmbedderError("The embedding server's vectors contain invalid numbers.")
        return list(vectors)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_chunked(65_536):
        content += piece
        if len(content) > MAX_ANSWER_BYTES:
            raise EmbedderError("The embedding server's answer is too large.")
        await asyncio.sleep(0)
    return bytes(content)
