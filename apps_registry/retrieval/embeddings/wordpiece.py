"""BERT's tokenizer: words, then the longest pieces that the vocabulary holds.

Source: google-research/bert, tokenization.py, as the weights were trained with it (uncased, accents stripped).
"""

import re
import unicodedata
from collections.abc import Iterator

MAX_WORD_CHARS = 100
UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
# CJK ideographs are words of their own.
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]|[^\W_\u3400-\u9fff]+|[^\s]")


class WordPiece:
    """A vocabulary: a piece a line; pieces inside a word begin with ##."""

    def __init__(self, vocabulary: str) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary.splitlines())}

    def encode(self, text: str, *, limit: int) -> list[int]:
        """Return token ids with the marks of start and end.

        Args:
            text: any text.
            limit: the most tokens, both marks included; what comes after is left out.
        """
        ids = [self._ids[START]]
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        for match in _WORD.finditer(plain):
            ids.extend(self._pieces(match[0]))
            if len(ids) >= limit:
                break
        return [*ids[: limit - 1], self._ids[END]]

    def _pieces(self, word: str) -> Iterator[int]:
        found: list[int] = []
        start = 0
        while start < len(word):
            end = next((end for end in range(len(word), start, -1) if self._piece(word, start, end) is not None), None)
            if end is None or len(word) > MAX_WORD_CHARS:
                return iter([self._ids[UNKNOWN]])
            found.append(self._ids[self._key(word, start, end)])
            start = end
        return iter(found)

    def _piece(self, word: str, start: int, end: int) -> int | None:
        return self._ids.get(self._key(word, start, end))

    @staticmethod
    def _key(word: str, start: int, end: int) -> str:
        return ("##" if start else "") + word[start:end]
