"""BERT's tokenizer: splits text into words, and words into the longest pieces in the vocabulary.

Source: google-research/bert, tokenization.py, with the settings of the trained weights (uncased, accents removed).

Not a package: each is larger, and the speed does not matter (measured on chunks of 900 characters):

    package            install   memory   CPU per chunk ids
    this module        -         5 MB     0.7 ms        as `tokenizers`, except for characters newer than Unicode 8
    tokenizers 0.23    36 MB     22 MB    0.5 ms        the reference
    kitoken 0.11       6 MB      36 MB    0.4 ms        differ for new marks and characters
    nanotoken 0.1      3 MB      26 MB    0.04 ms       as `tokenizers`; only one alpha release

The network needs 100 ms for such a chunk. The tests compare the ids with `tokenizers`.
"""

import unicodedata
from functools import lru_cache

import regex

MAX_WORD_CHARS = 100
UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
_REMOVED = regex.compile(r"[[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]--[\t\n\r]]", regex.V1)
# Each of these characters is a word: ideographs, since Chinese has no spaces, and punctuation with ASCII's symbols.
_ALONE = (
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b81f\U0002b920-\U0002ceaf"
    r"\U0002f800-\U0002fa1f\p{P}$+<=>\^`|~"
)
_WORD = regex.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")


class WordPiece:
    """A vocabulary: one piece per line; pieces inside a word begin with ##."""

    def __init__(self, vocabulary: str) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary.splitlines())}

    def encode(self, text: str, *, limit: int) -> list[int]:
        """Return token ids, including the start and end markers.

        Args:
            text: any text; markers in it are ordinary text.
            limit: maximum number of tokens, including both markers; the rest is cut off.
        """
        ids = [self._ids[START]]
        for match in _WORD.finditer(_plain(text)):
            ids.extend(self._pieces(match[0]))
            if len(ids) >= limit:
                break
        return [*ids[: limit - 1], self._ids[END]]

    def _pieces(self, word: str) -> list[int]:
        """Return the ids of the longest pieces from left to right, or the id for unknown words."""
        ids: list[int] = []
        start = 0
        while start < len(word) <= MAX_WORD_CHARS:
            for end in range(len(word), start, -1):
                number = self._ids.get(("##" if start else "") + word[start:end])
                if number is not None:
                    break
            else:
                return [self._ids[UNKNOWN]]
            ids.append(number)
            start = end
        return ids or [self._ids[UNKNOWN]]


def _plain(text: str) -> str:
    """Return a text in lower case without control characters and accents."""
    return "".join(map(_plain_character, unicodedata.normalize("NFD", _REMOVED.sub("", text))))


@lru_cache(maxsize=4096)
def _plain_character(character: str) -> str:
    """Return the character in lower case, or "" for an accent.

    Characters are lowered one by one: `lower` of a whole word writes a final sigma, which BERT does not have.
    """
    return "" if unicodedata.category(character) == "Mn" else character.lower()
