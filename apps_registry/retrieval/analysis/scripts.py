"""Scripts without spaces between words: their text is indexed as pairs of characters.

Pairs need no dictionary, and find a word within any other; Lucene's CJK analyzers do the same. In scripts that write
vowels and tones as marks, a letter and its marks count as one character.
"""

import re
import unicodedata
from itertools import pairwise

# Han with its extensions, kana, bopomofo, Hangul.
_EAST_ASIAN = r"ー々〆〇\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff"
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_HANGUL = r"\uac00-\ud7a3\u1100-\u11ff"
# Thai, Lao, Tibetan, Myanmar, Khmer, Tai Le, New Tai Lue, Tai Tham, Javanese.
_SOUTH_EAST_ASIAN = r"\u0e01-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u0f40-\u0fbc\u1000-\u103f\u1050-\u109d\u1780-\u17d3"
_MORE = r"\u1950-\u1974\u1980-\u19c9\u1a20-\u1a7c\ua984-\ua9c0"
WIDE = f"{_EAST_ASIAN}{_HAN}{_HANGUL}"
UNSPACED = re.compile(f"[{WIDE}{_SOUTH_EAST_ASIAN}{_MORE}]+")
_IS_HAN = re.compile(f"[{_HAN}]")
_MARKS = {"Mn", "Mc"}
# Arabic and Hebrew: vowel marks, which most texts leave out, and the line that only stretches words.
_OPTIONAL_MARKS = re.compile(
    "[\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]"
)
# The forms of two Arabic letters on Persian and Urdu keyboards, and typographic apostrophes. PostgreSQL's stemmers
# handle other Arabic letters.
_VARIANTS = str.maketrans("\u06cc\u06a9\u2018\u2019", "\u064a\u0643''")
_ARTICLE = re.compile("(?<!\\w)(?:[\u0648\u0641]?[\u0628\u0643]?\u0627\u0644|[\u0648\u0641]?\u0644\u0644)(?=\\w{3})")
_FOREIGN_SIGN = re.compile(r"[^\x00-\x7f\w]")


def folded(text: str) -> str:
    """Return the text with variants of letters unified: full and half width, presentation forms, Arabic spellings."""
    if text.isascii():
        return text
    return _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFKC", text)).translate(_VARIANTS)


def without_clitics(text: str) -> str:
    """Return the text with the plain article where Arabic writes `and the`, `with the` or `for the` as one word.

    PostgreSQL's Arabic stemmer knows only some of them.
    """
    return text if text.isascii() else _ARTICLE.sub("\u0627\u0644", text)


def without_signs(text: str) -> str:
    """Return the text with spaces for quotes, commas and other signs that are not ASCII.

    PostgreSQL treats them as letters if the locale of the database is C.
    """
    if text.isascii():
        return text
    return _FOREIGN_SIGN.sub(lambda match: match[0] if unicodedata.category(match[0])[0] == "M" else " ", text)


def pairs(run: str) -> list[str]:
    """Return the tokens of a run of characters without spaces: pairs, and each Han character, which may be a word.

    Args:
        run: a match of UNSPACED.
    """
    units = _units(run)
    if len(units) == 1:
        return units
    adjacent = [first + second for first, second in pairwise(units)]
    return adjacent + [unit for unit in units if _IS_HAN.match(unit)]


def query_pairs(run: str) -> list[str]:
    """Return the tokens of a run in a query: pairs, and a Han character only where it has no Han neighbour."""
    units = _units(run)
    if len(units) == 1:
        return units
    adjacent = [first + second for first, second in pairwise(units)]
    han = [bool(_IS_HAN.match(unit)) for unit in units]
    padded = [False, *han, False]
    lone = [
        unit
        for index, unit in enumerate(units, 1)
        if padded[index] and not padded[index - 1 : index + 2 : 2].count(True)
    ]
    return adjacent + lone


def _units(run: str) -> list[str]:
    """Split a run into characters with their marks."""
    units: list[str] = []
    for character in run:
        if units and unicodedata.category(character) in _MARKS:
            units[-1] += character
        else:
            units.append(character)
    return units
