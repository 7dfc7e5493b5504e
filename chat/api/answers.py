"""Responses with typed content; the OpenAPI document reads the types from the views' signatures."""

from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from django.http import StreamingHttpResponse
from rest_framework.response import Response

T = TypeVar("T")
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Answer(Generic[T], Response):
    """A JSON response whose data has the type T."""

    # Generic comes first, because the subscript of DRF's Response discards the type.

    def __init__(self, data: T, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(data, status=status, headers=headers)


class NoContent(Response):
    """A response without a body, with status 204."""

    def __init__(self) -> None:
        super().__init__(status=204)


class EventStream(StreamingHttpResponse, Generic[T]):
    """Server-sent events; the JSON in each `data:` line has the type T."""

    def __init__(
        self, content: AsyncGenerator[bytes, None], *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(content, content_type="text/event-stream", headers={**STREAM_HEADERS, **headers})
