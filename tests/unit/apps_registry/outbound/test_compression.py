"""Compressed bodies are decompressed completely, wherever they are split, or not at all."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_registry.outbound.compression import PIECE_MAX_BYTES, Decompressor
from apps_registry.outbound.errors import Unreachable
from tests.made_examples import examples

bounded = settings(max_examples=examples(40), derandomize=True, database=None, deadline=None)
COMPRESSED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("utf-8, identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "deflate": ("deflate", lambda body: zlib.compress(body)[2:-4]),
    "both": ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
    "members": ("gzip", lambda body: gzip.compress(body[:3]) + gzip.compress(body[3:])),
    "padded": ("gzip", lambda body: gzip.compress(body) + bytes(5)),
}


def decompress(header: str, pieces: list[bytes]) -> bytes:
    decompressor = Decompressor(header)
    body = b"".join(piece for sent in pieces for piece in decompressor.feed(sent))
    decompressor.end()
    return body


@pytest.mark.parametrize(("header", "compress"), COMPRESSED.values(), ids=COMPRESSED)
@bounded
@given(body=st.binary(max_size=300), place=st.integers(0, 400))
def test_a_body_is_complete_wherever_it_is_cut(
    header: str, compress: Callable[[bytes], bytes], body: bytes, place: int
) -> None:
    sent = compress(body)
    assert decompress(header, [sent[:place], sent[place:]]) == body
    assert decompress(header, [sent[at : at + 1] for at in range(len(sent))]) == body


@pytest.mark.parametrize("name", ["gzip", "zlib", "deflate", "both"])
@bounded
@given(body=st.binary(min_size=1, max_size=300), share=st.floats(0.01, 0.99))
def test_an_incomplete_body_is_an_error(name: str, body: bytes, share: float) -> None:
    header, compress = COMPRESSED[name]
    sent = compress(body)
    with pytest.raises(Unreachable, match="is broken"):
        decompress(header, [sent[: max(1, int(len(sent) * share))]])


@pytest.mark.parametrize(
    ("header", "words"), [("zstd", r"\(zstd\) was not requested"), ("gzip, br", r"\(br\)"), ("gzip," * 9, "is broken")]
)
def test_unsupported_compression_is_named(header: str, words: str) -> None:
    with pytest.raises(Unreachable, match=words):
        Decompressor(header)


def test_no_piece_is_large_however_small_it_came() -> None:
    bomb = gzip.compress(bytes(50 * PIECE_MAX_BYTES))
    sizes = [len(piece) for piece in Decompressor("gzip").feed(bomb)]
    assert max(sizes) <= PIECE_MAX_BYTES
    assert sum(sizes) == 50 * PIECE_MAX_BYTES
