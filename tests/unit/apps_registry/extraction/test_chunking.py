"""Chunks: limited in size, under one heading, with a place that leads back to the text."""

import importlib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps_registry.extraction.blocks import Block, Reading
from apps_registry.extraction.chunking import MAX_CHARS, MIN_CHARS, to_chunks
from apps_registry.extraction.formats import text
from tests.apps_registry.retrieval.files import word_of
from tests.seen.office import body, cell, par, table

TABLE_FILES = {
    "html": lambda rows: html_table(rows).encode(),
    "markdown": lambda rows: "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], ("-",) * 3, *rows[1:]]).encode(),
    "docx": lambda rows: word_of(body(table(*("".join(cell(par(text)) for text in row) for row in rows)))),
}
PROSE = "The quick brown fox jumps over the lazy dog. " * 20


def test_headings_separate_chunks() -> None:
    chunks = list(to_chunks([Block("one", ("A",)), Block("two", ("A", "B")), Block("three", ("A", "B"))]))
    assert [(chunk.heading, chunk.text) for chunk in chunks] == [("A", "one"), ("A > B", "two\n\nthree")]


def test_headings_stay_short_however_long_they_are() -> None:
    reading = Reading()
    reading.add(Block("one", ("h" * 100_000,) * 100))
    (chunk,) = to_chunks(reading.blocks)
    assert len(chunk.heading) < 2000


def test_text_without_sentences_is_cut_between_words() -> None:
    words = [f"word{number}" for number in range(1000)]
    for block in (Block(" ".join(words)), Block("a | " + " ".join(words), is_table=True), Block("\t".join(words))):
        chunk_words = " ".join(chunk.text for chunk in to_chunks([block])).split()
        assert {*words} <= {*chunk_words} <= {*words, "a", "|"}
    assert len(list(to_chunks([Block("x" * 5 * MAX_CHARS)]))) > 4


def test_long_text_is_cut_at_sentences_with_an_overlap() -> None:
    chunks = list(to_chunks([Block(PROSE * 5)]))
    assert len(chunks) > 2
    for chunk, following in pairwise(chunks):
        assert MIN_CHARS < len(chunk.text) <= MAX_CHARS
        assert chunk.text.rstrip().endswith("dog.")
        assert following.text.startswith(chunk.text.rstrip()[-44:])


def test_a_text_without_a_sentence_end_is_cut_too() -> None:
    chunks = list(to_chunks([Block("x" * 10_000)]))
    assert all(len(chunk.text) <= MAX_CHARS for chunk in chunks)
    assert sum(len(chunk.text) for chunk in chunks) >= 10_000


@pytest.mark.parametrize("kind", ["html", "docx", "markdown"])
def test_each_chunk_of_a_long_table_names_its_columns(kind: str) -> None:
    rows = [("Part", "Price", "Place"), *((f"AX-{n:04}", f"{n} EUR", f"Shelf {n}. Row {n}.") for n in range(300))]
    blocks = importlib.import_module(f"apps_registry.extraction.formats.{kind}").read(TABLE_FILES[kind](rows)).blocks
    chunks = list(to_chunks([Block("Before. " * 30), *blocks, Block("After.")]))
    assert len(chunks) > 5
    for chunk in chunks[1:]:
        assert len(chunk.text) <= MAX_CHARS
        if "AX-" in chunk.text:
            assert chunk.text.replace("| Part", "Part").startswith("Part | Price | Place")
    lines = [line.strip("| ") for chunk in chunks for line in chunk.text.split("\n")]
    assert [line for line in lines if line.startswith("AX-")] == [" | ".join(row) for row in rows[1:]]


def test_pages_span_from_the_first_to_the_last_sentence() -> None:
    chunks = list(to_chunks([Block("One.", page=1), Block("Two.", page=2)]))
    assert [chunk.pages for chunk in chunks] == [(1, 2)]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=40))
@example(["\x0c0"])
@example(["a\x85b", "c\vd"])
def test_nothing_is_lost_and_lines_lead_back(paragraphs: list[str]) -> None:
    source = "\n\n".join(paragraphs)
    reading = text.read(source.encode("utf-8", "replace")) if is_text(source) else None
    if reading is None:
        return
    lines = text.decode(source.encode("utf-8", "replace")).split("\n")
    chunks = list(to_chunks(reading.blocks))
    for chunk in chunks:
        assert len(chunk.text) <= MAX_CHARS
        assert chunk.lines is not None
        first, last = chunk.lines
        assert 1 <= first <= last <= len(lines)
    for block in reading.blocks:
        for word in block.text.split():
            assert any(word[:20] in chunk.text for chunk in chunks)


def is_text(source: str) -> bool:
    return not any(ord(character) < 32 and character not in "\t\n\r\f\x0b\x1b" for character in source)


def html_table(rows: list[tuple[str, ...]]) -> str:
    return f"<table>{''.join('<tr><td>' + '<td>'.join(row) for row in rows)}</table>"


@pytest.mark.parametrize(
    ("sentence", "end"),
    [
        ("解約は三十日前までに書面でお申し出ください。", "。"),
        ("您可以在一小时内设置新密码!", "!"),
        ("누구나 계약을 해지할 수 있습니다. ", "."),
        ("يجب إرسال الطلب قبل ثلاثين يوماً؟ ", "؟"),
        ("अनुबंध बारह महीने के लिए है। ", "।"),
        ("កិច្ចសន្យាមានរយៈពេលមួយឆ្នាំ។ ", "។"),
        ("สัญญามีอายุสิบสองเดือน ", "น"),
    ],
)
def test_long_text_is_cut_at_the_sentence_ends_of_its_script(sentence: str, end: str) -> None:
    chunks = list(to_chunks([Block(sentence * 200)]))
    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.text.rstrip().endswith(end)
        assert chunk.text.startswith(sentence[:5])


def test_a_chunk_of_wide_signs_is_as_long_in_words_as_one_of_letters() -> None:
    for chunk in to_chunks([Block("请提前三十天以书面形式通知。" * 300), Block("请" * 3000)]):
        assert len(chunk.text.strip()) <= MAX_CHARS / 3
