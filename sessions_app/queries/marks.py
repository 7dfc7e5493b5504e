"""Finds the words of a search in a text that PostgreSQL has found, to mark them.

The rules are those of `message_search`: letters match in either case, a word finds all words that begin with it, the
words of a phrase follow one another with nothing but spaces and punctuation between them, and each character of a
script without spaces is a word.
"""

import re
from collections.abc import Iterator
from html import escape, unescape
from itertools import pairwise
from unicodedata import category

from django.utils.safestring import SafeString, mark_safe

# Thai, Lao, Tibetan, Burmese and Khmer; kana, Chinese characters and Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
    "\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
WORDS_MAX = 8
# Bounds the work of a search in a text of punctuation.
_GAP_MAX = 40
_UNSPACED = re.compile(f"[{UNSPACED}]")
# Not after a letter or digit of a word.
_BEGINNING = rf"(?<![^\W_{UNSPACED}])"
_TAG = re.compile(r"(<[^>]*>)")


def words_of(text: str) -> list[str]:
    """Return the words of a search, as the operator wrote them; `"two words"` in quotes count as one."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|(\S+)', text)][:WORDS_MAX]


def pattern_for(text: str) -> re.Pattern[str] | None:
    """Return the pattern that finds the words of a search, the longest first; None if it has no word.

    Args:
        text: what the operator wrote.
    """
    phrases = {phrase for word in words_of(text) if (phrase := _phrase(word))}
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return re.compile("|".join(ordered), re.IGNORECASE) if ordered else None


def marked(text: str, pattern: re.Pattern[str]) -> SafeString:
    """Return a text as HTML with `<mark>` around the words of a search.

    Args:
        text: the text, not escaped.
        pattern: what `pattern_for` returned.
    """
    return mark_safe("".join(_pieces(text, pattern)))  # noqa: S308 - of escaped pieces


def marked_html(html: SafeString, pattern: re.Pattern[str]) -> SafeString:
    """Return HTML with `<mark>` around the words of a search in its texts; its tags stay as they are.

    Args:
        html: what `to_html` returned: in its tags, `>` is escaped.
        pattern: what `pattern_for` returned.
    """
    parts = _TAG.split(html)
    texts = ("".join(_pieces(unescape(part), pattern)) if part else "" for part in parts[::2])
    tags = (*parts[1::2], "")
    return mark_safe("".join(text + tag for text, tag in zip(texts, tags, strict=True)))  # noqa: S308


def _pieces(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    end = 0
    for match in pattern.finditer(text):
        yield f"{escape(text[end : match.start()])}<mark>{escape(match[0])}</mark>"
        end = match.end()
    yield escape(text[end:])


def _phrase(word: str) -> str:
    tokens = _tokens(word)
    if not tokens:
        return ""
    pattern = re.escape(tokens[0]) if _UNSPACED.match(tokens[0]) else _BEGINNING + re.escape(tokens[0])
    for token, following in pairwise(tokens):
        is_close = _UNSPACED.match(token) or _UNSPACED.match(following)
        pattern += rf"[\W_]{{{0 if is_close else 1},{_GAP_MAX}}}{re.escape(following)}"
    return pattern


def _tokens(word: str) -> list[str]:
    """Return runs of letters, digits and the marks on them; each character of a script without spaces is a run."""
    apart = _UNSPACED.sub(lambda match: f" {match[0]} ", word)
    return "".join(char if category(char)[0] in "LMN" else " " for char in apart).split()
