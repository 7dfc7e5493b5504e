"""Decompresses response bodies in pieces of limited size.

httpx2's own decoders accept a truncated body as complete, and read only the first of several gzip members.
"""

import zlib
from collections.abc import Iterator

from apps_registry.outbound.errors import Unreachable

PIECE_MAX_BYTES = 64 * 1024
_MAX_LAYERS = 3
_ANY_HEADER = zlib.MAX_WBITS | 32  # gzip or zlib header
_GZIP = b"\x1f\x8b"
_BROKEN = "the answer's compression is broken"
_SUPPORTED = frozenset({"gzip", "x-gzip", "deflate"})
_UNSUPPORTED = frozenset({"br", "compress", "dcb", "dcz", "x-compress", "zstd"})


class Decompressor:
    """Decodes the encodings of a Content-Encoding header; other names in it, such as `utf-8`, are ignored."""

    def __init__(self, header: str) -> None:
        """Parse the header.

        Raises:
            Unreachable: it has an encoding that was not requested, or too many encodings.
        """
        names = [name.strip().lower() for name in header.split(",")]
        if unsupported := _UNSUPPORTED.intersection(names):
            raise Unreachable(f"the answer's compression ({', '.join(sorted(unsupported))}) was not requested")
        layers = [_Layer() for name in names if name in _SUPPORTED]
        if len(layers) > _MAX_LAYERS:
            raise Unreachable(_BROKEN)
        self._layers = layers

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded bytes; compressed data in pieces of at most PIECE_MAX_BYTES.

        Raises:
            Unreachable: the data is not in this encoding.
        """
        return self._through(data, len(self._layers))

    def end(self) -> None:
        """Raise Unreachable if the body was truncated."""
        if not all(layer.is_complete for layer in self._layers):
            raise Unreachable(_BROKEN)

    def _through(self, data: bytes, depth: int) -> Iterator[bytes]:
        if depth == 0:
            yield data
            return
        for piece in self._layers[depth - 1].feed(data):
            yield from self._through(piece, depth - 1)


class _Layer:
    """One layer of gzip or deflate."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(_ANY_HEADER)
        self._has_begun = False
        self._head = b""

    @property
    def is_complete(self) -> bool:
        """Whether the compressed data has ended, or the body was empty."""
        return self._decoder.eof or not (self._has_begun or self._head)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if not self._has_begun or self._decoder.eof:
                data = self._head + data
                if len(data) < len(_GZIP):  # the first two bytes show the format
                    self._head = data
                    return
                self._head = b""
                if self._decoder.eof:
                    if not data.startswith(_GZIP):  # padding after the end
                        return
                    self._decoder = zlib.decompressobj(_ANY_HEADER)
            piece = self._decompress(data)
            if piece:
                yield piece
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail

    def _decompress(self, data: bytes) -> bytes:
        try:
            piece = self._decoder.decompress(data, PIECE_MAX_BYTES)
        except zlib.error:
            if self._has_begun:
                raise Unreachable(_BROKEN) from None
            piece = self._without_header(data)
        self._has_begun = True
        return piece

    def _without_header(self, data: bytes) -> bytes:
        """Start over without a header: some servers send raw deflate data."""
        self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._decoder.decompress(data, PIECE_MAX_BYTES)
        except zlib.error:
            raise Unreachable(_BROKEN) from None
