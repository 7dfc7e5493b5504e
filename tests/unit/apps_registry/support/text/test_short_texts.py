"""Encodings of texts that are too short to tell much: read if one alone fits, otherwise refused with the candidates."""

import pytest

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.retrieval.conversion import to_utf8
from apps_registry.support.text.charset_detection import UnknownCharsetError, detect
from apps_registry.support.text.charsets import codec_of

NAMES = "氏名,住所\n田中,東京\n鈴木,大阪\n"
WORDS = "品名,單價\n螺絲,5\n"


def test_a_short_table_in_shift_jis_is_read() -> None:
    assert detect(NAMES.encode("cp932")) == "cp932"
    assert detect(f"{NAMES}佐藤,福岡\n高橋,札幌\n伊藤,横浜\n".encode("cp932")) == "cp932"


def test_candidates_are_named() -> None:
    with pytest.raises(UnknownCharsetError, match=r"^Shift JIS \(Japanese\)$"):
        detect(WORDS.encode("cp932"))
    with pytest.raises(UnknownCharsetError, match=r"^GB 18030 \(Chinese\)$"):
        detect(WORDS.encode("gb18030"))


def test_an_encoding_has_its_common_names() -> None:
    assert [codec_of(name) for name in ("Shift_JIS", "windows-1252", "big5", "KOI8-R")] == [
        *("cp932", "cp1252", "big5hkscs", "koi8-r")
    ]
    for name in ("", "punycode", "rot13", "no-such"):
        with pytest.raises(ValueError, match="Unknown encoding"):
            codec_of(name)


def test_only_texts_that_are_not_unicode_are_converted() -> None:
    data = NAMES.encode("cp932")
    assert to_utf8("a.csv", data, "cp932").decode() == NAMES
    for unchanged in (NAMES.encode(), NAMES.encode("utf-16")):
        assert to_utf8("a.csv", unchanged, "cp932") == unchanged
    assert to_utf8("a.pdf", data, "cp932") == to_utf8("a.csv", data, "") == data
    with pytest.raises(UnreadableError, match=r"not in the encoding EUC-KR \(Korean\)"):
        to_utf8("a.csv", b"\xff\xff,5\n", "cp949")
