"""BERT's tokenizer: splits text into words, and words into the longest pieces in the vocabulary.

Source: google-research/bert, tokenization.py, with the settings of the trained weights (uncased, accents removed).
"""

import re
import unicodedata
from collections.abc import Iterator

MAX_WORD_CHARS = 100
UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
# Each CJK ideograph is a word.
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]|[^\W_\u3400-\u9fff]+|[^\s]")


class WordPiece:
    """A vocabulary with one piece per line; pieces inside a word begin with ##."""

    def __init__(self, vocabulary: str) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary.splitlines())}

    def encode(self, text: str, *, limit: int) -> list[int]:
        """Return token ids, including the start and end markers.

        Args:
            text: any text.
            limit: maximum number of tokens, including both markers; the rest is cut off.
        """
        ids = [self._ids[START]]
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        for match in _WORD.finditer(plain):
            ids.extend(self._pieces(match[0]))
            if len(ids) >= limit:
                break
        return [*ids[: limit - 1], self._ids[END]]

    def _pieces(self, word: str) -> Iterator[int]:
        ids: list[int] = []
        start = 0
        while start < len(word):
            end = next((end for end in range(len(word), start, -1) if self._piece(word, start, end) is not None), None)
            if end is None or len(word) > MAX_WORD_CHARS:
                return iter([self._ids[UNKNOWN]])
            ids.append(self._ids[self._key(word, start, end)])
            start = end
        return iter(ids)

    def _piece(self, word: str, start: int, end: int) -> int | None:
        return self._ids.get(self._key(word, start, end))

    @staticmethod
    def _key(word: str, start: int, end: int) -> str:
        return ("##" if start else "") + word[start:end]
