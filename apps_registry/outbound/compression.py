"""Bodies out of their compression, a bounded piece at a time.

httpx2's own decoders take a body that breaks off for a whole one, and of several gzip members read the first alone.
"""

import zlib
from collections.abc import Iterator

from apps_registry.outbound.errors import Unreachable

PIECE_MAX_BYTES = 64 * 1024
_MAX_LAYERS = 3
_ANY_HEADER = zlib.MAX_WBITS | 32  # of gzip or of zlib
_GZIP = b"\x1f\x8b"
_BROKEN = "the answer's compression is broken"
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
_NOT_ASKED_FOR = frozenset({"br", "compress", "dcb", "dcz", "x-compress", "zstd"})


class Decompressor:
    """Undoes what a Content-Encoding header names; names that are no encodings, such as `utf-8`, change nothing."""

    def __init__(self, header: str) -> None:
        """Take the header's value.

        Raises:
            Unreachable: it names an encoding that was not asked for, or too many.
        """
        names = [name.strip().lower() for name in header.split(",")]
        if foreign := _NOT_ASKED_FOR.intersection(names):
            raise Unreachable(f"the answer's compression ({', '.join(sorted(foreign))}) was not asked for")
        layers = [_Layer() for name in names if name in _KNOWN]
        if len(layers) > _MAX_LAYERS:
            raise Unreachable(_BROKEN)
        self._layers = layers

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes make, in pieces of at most PIECE_MAX_BYTES where they were compressed.

        Raises:
            Unreachable: they are not in the encoding.
        """
        return self._through(data, len(self._layers))

    def end(self) -> None:
        """Check that the body is whole; raise Unreachable where it broke off."""
        if not all(layer.is_whole for layer in self._layers):
            raise Unreachable(_BROKEN)

    def _through(self, data: bytes, depth: int) -> Iterator[bytes]:
        if depth == 0:
            yield data
            return
        for piece in self._layers[depth - 1].feed(data):
            yield from self._through(piece, depth - 1)


class _Layer:
    """One gzip or deflate."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(_ANY_HEADER)
        self._has_begun = False
        self._head = b""

    @property
    def is_whole(self) -> bool:
        """Whether it has ended; an empty body was never begun."""
        return self._decoder.eof or not (self._has_begun or self._head)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if not self._has_begun or self._decoder.eof:
                data = self._head + data
                if len(data) < len(_GZIP):  # what it is shows in its first two bytes
                    self._head = data
                    return
                self._head = b""
                if self._decoder.eof:
                    if not data.startswith(_GZIP):  # padding behind the end
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
        """Begin again: some servers send deflate without the header that it should have."""
        self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._decoder.decompress(data, PIECE_MAX_BYTES)
        except zlib.error:
            raise Unreachable(_BROKEN) from None
