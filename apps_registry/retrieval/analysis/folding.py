"""Spellings of letters with marks on keyboards that lack them: `Zaehler` and `Zahler` for `Zähler`."""

import re
import unicodedata
from collections.abc import Iterator

_SPELT_OUT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "å": "aa",
        "ø": "oe",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
        "ł": "l",
    }
)
_STROKED = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ł": "l", "đ": "d", "\u0131": "i"}
)
_WORD = re.compile(r"[^\W\d_]+")
_MARKED = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
MIN_WORD_CHARS, MAX_WORD_CHARS = 5, 64  # shorter ones are mostly function words


def plain_spellings(text: str) -> Iterator[str]:
    """Yield the spellings without marks of each word that has marks: at most two for each."""
    if text.isascii():
        return
    for word in _WORD.findall(text.lower()):
        if MIN_WORD_CHARS <= len(word) <= MAX_WORD_CHARS and _MARKED.search(word):
            yield from dict.fromkeys((without_marks(word), word.translate(_SPELT_OUT)))


def without_marks(word: str) -> str:
    """Return a word in lower case with plain letters."""
    apart = unicodedata.normalize("NFD", word.lower().translate(_STROKED))
    return "".join(character for character in apart if unicodedata.category(character) != "Mn")
