"""Detects the language of a text from its script and its most frequent words.

Not a library: those that know more languages bring models of 1 to 100 MB, and PostgreSQL cannot stem the languages that
they add.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

from apps_registry.retrieval.analysis.scripts import folded

UNKNOWN_LATIN = "english"  # its rules for endings suit names and lists better than none
SAMPLE_CHARS = 20_000
MIN_HITS = 2  # frequent words that a query must have before its language is known
MIN_SHARE = 0.06  # of all words; in running text, 20 to 50 % are frequent words

# Function words, also of languages that PostgreSQL cannot stem, so that these are not mistaken for related languages.
_FREQUENT: dict[str, str] = json.loads(Path(__file__).with_name("frequent_words.json").read_text(encoding="utf-8"))
_SCRIPTS = {
    "armenian": re.compile("[\u0531-\u0587]"),
    "greek": re.compile("[\u0370-\u03ff]"),
    "tamil": re.compile("[\u0b80-\u0bff]"),
    "thai": re.compile("[\u0e01-\u0e4e]"),
    "lao": re.compile("[\u0e81-\u0edd]"),
    "khmer": re.compile("[\u1780-\u17d3]"),
    "burmese": re.compile("[\u1000-\u103f]"),
    "korean": re.compile("[\uac00-\ud7a3]"),
    "japanese": re.compile("[\u3041-\u3096\u30a1-\u30fa]"),
    "chinese": re.compile("[\u4e00-\u9fff]"),
    # Words distinguish the languages of these scripts.
    "cyrillic": re.compile("[\u0400-\u04ff]"),
    "arabic": re.compile("[\u0620-\u06d3]"),
    "devanagari": re.compile("[\u0900-\u0965]"),
    "hebrew": re.compile("[\u05d0-\u05ea]"),
    "latin": re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
}
# A query that has only Han characters may be in any of these.
_HAN_LANGUAGES = ("chinese", "japanese")
_OF_SCRIPT = {
    "cyrillic": ("russian", "serbian", "ukrainian", "bulgarian"),
    "arabic": ("arabic", "persian", "urdu"),
    "devanagari": ("hindi", "nepali"),
    "hebrew": ("hebrew", "yiddish"),
}
# Letters that only one language of its script has.
_LETTERS = {
    "russian": "ыэё",
    "ukrainian": "іїєґ",
    "serbian": "ђјљњћџ",
    "arabic": "ةأإ",
    "persian": "پچژگ",
    "urdu": "ٹڈڑےہں",
    "german": "ß",
    "polish": "ąęłż",
    "czech": "ěřů",
    "turkish": "ğış",
}
_WORDS = {language: frozenset(folded(words).split()) for language, words in _FREQUENT.items()}
_WITHOUT_LANGUAGE = {*_OF_SCRIPT, "latin"} - {*_WORDS}
LANGUAGE_NAMES = frozenset({*_WORDS, *_SCRIPTS} - _WITHOUT_LANGUAGE)
_WORD = re.compile(r"[^\W\d_]+(?:[\u0900-\u0965]+[^\W\d_]*)*")
# A Han, kana or Hangul character counts as much as two or three letters.
_LETTERS_PER_CHARACTER = {"chinese": 3, "japanese": 3, "korean": 2}


def language_of(text: str) -> str:
    """Return the English name of a text's language; empty if it is not clear.

    Args:
        text: any text; a sentence is usually enough. Only the first SAMPLE_CHARS characters are read.
    """
    sample = text[:SAMPLE_CHARS]
    script = _script_of(sample)
    candidates = _candidates(script)
    if len(candidates) < 2:
        return script
    words, hits = _counted(sample, candidates)
    (best, number), (_, second) = hits.most_common(2)
    if number > second and number >= MIN_SHARE * words:
        return best
    return candidates[0] if script in {"arabic", "devanagari"} and not number else ""


def possible_languages(text: str) -> set[str]:
    """Return the languages that a short text may be in; one frequent word more or less excludes none.

    Args:
        text: a query; one without letters may be in any language.
    """
    script = _script_of(text)
    candidates = _HAN_LANGUAGES if script == "chinese" else _candidates(script)
    _, hits = _counted(text, candidates)
    best = max(hits.values(), default=0)
    return {language for language in candidates if best < MIN_HITS or hits[language] >= best - 1}


def _candidates(script: str) -> tuple[str, ...]:
    """Return the languages of a script, or all languages if there is no script."""
    if not script:
        return tuple(LANGUAGE_NAMES)
    return _latin() if script == "latin" else _OF_SCRIPT.get(script, (script,))


def _counted(text: str, candidates: tuple[str, ...]) -> tuple[int, Counter[str]]:
    """Return the number of words, and for each language the number of words and letters that indicate it."""
    words = _WORD.findall(folded(text).lower())
    return len(words), Counter({language: _hits(language, words, text) for language in candidates})


def _hits(language: str, words: list[str], sample: str) -> int:
    frequent = _WORDS.get(language, frozenset())
    return sum(word in frequent for word in words) + sum(map(sample.count, _LETTERS.get(language, "")))


def configuration(text: str, known: frozenset[str]) -> str:
    """Return PostgreSQL's text search configuration for a text.

    Args:
        text: the text of a document.
        known: the names of all configurations.
    """
    language = language_of(text)
    if not language and _script_of(text[:SAMPLE_CHARS]) in {"latin", ""}:
        return UNKNOWN_LATIN
    return language if language in known else "simple"


def _script_of(sample: str) -> str:
    counts = Counter(
        {name: len(pattern.findall(sample)) * _LETTERS_PER_CHARACTER.get(name, 1) for name, pattern in _SCRIPTS.items()}
    )
    # Japanese text is mostly Han characters; a few kana already distinguish it from Chinese.
    if counts["japanese"] * 5 > counts["chinese"]:
        counts["japanese"] += counts["chinese"]
        counts["chinese"] = 0
    name, number = counts.most_common(1)[0]
    return name if number else ""


@cache
def _latin() -> tuple[str, ...]:
    others = {language for languages in _OF_SCRIPT.values() for language in languages}
    return tuple(language for language in _WORDS if language not in others)
