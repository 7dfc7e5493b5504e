"""A limit on the lines of a model's stream: the package's decoder would buffer a line without end."""

from collections.abc import AsyncIterator

import httpx2

from chat.providers.base import ModelFailure

LINE_MAX_BYTES = 1024 * 1024


async def bound_lines(response: httpx2.Response) -> None:
    """Response hook: make reading the body fail once a line is longer than LINE_MAX_BYTES."""
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for chunk in self._inner:
            end = chunk.rfind(b"\n")
            length = length + len(chunk) if end < 0 else len(chunk) - end - 1
            if length > LINE_MAX_BYTES:
                raise ModelFailure("The model sent a line without end.")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
