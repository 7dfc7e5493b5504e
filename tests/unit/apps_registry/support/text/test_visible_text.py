"""Invisible characters are removed from outside text; those that scripts and emoji need stay."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_registry.support.text.visible_text import has_invisible, invisible_in, visible, visible_data, visible_line
from tests.made_examples import examples

SEEN = {
    "Persian": "می\u200cخواهم",
    "Devanagari": "क\u094d\u200dष",
    "Sinhala": "ශ\u0dca\u200dරී",
    "a family": "👨\u200d👩\u200d👧\u200d👦",
    "a profession": "👩🏽\u200d💻",
    "a heart": "❤\ufe0f",
    "a rainbow flag": "🏳\ufe0f\u200d🌈",
    "a keycap": "1\ufe0f\u20e3",
    "white space": "a\n\tb c\u00a0d\u3000e",
    "letters": "naïve Ωμέγα 日本語 עברית ไทย",
}
UNSEEN = {
    "zero width": "a\u200bb",
    "a joiner between Latin letters": "a\u200db",
    "two joiners in Persian": "می\u200c\u200cخ",
    "a variation selector": "a\ufe0fb",
    "variation selectors that carry bytes": "a" + "".join(chr(0xE0100 + n) for n in range(100)) + "b",
    "combining grapheme joiner": "a\u034fb",
    "Hangul fillers": "a\u115f\u1160\u3164\uffa0b",
    "blank Braille": "a\u2800b",
    "tags": "a\U000e0041\U000e007fb",
    "bidi overrides": "\u202ea\u2066b\u2069",
    "controls": "a\x00\x07\x1b\x7f\x9bb",
    "private use": "a\ue000\U000f0000b",
    "a surrogate": "a\ud800b",
    "unassigned": "a\u0378b",
    "soft hyphen": "a\u00adb",
    "Mongolian selectors": "a\u180b\u180eb",
    "musical controls": "a\U0001d173b",
}


@pytest.mark.parametrize("text", SEEN.values(), ids=SEEN)
def test_visible_text_stays(text: str) -> None:
    assert visible(text) == text
    assert not has_invisible(text)


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_invisible_text_is_removed(text: str) -> None:
    expected = "میخ" if "می" in text else "ab"
    assert visible(text) == expected
    assert len(invisible_in(text)) == len(text) - len(expected)


@pytest.mark.parametrize(
    ("text", "seen"), [("😀\u200d😀", "😀😀"), ("😀\ufe0f", "😀"), ("1\ufe0f", "1"), ("❤\ufe0f\u200dx", "❤\ufe0fx")]
)
def test_only_listed_emoji_sequences_stay(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_line_ends_are_newlines() -> None:
    assert visible("a\r\nb\rc\fd") == "a\nb\nc\nd"
    assert visible_line(" a\r\n\u200b b ") == "a b"
    assert visible_data({"a\u200b": ["b\u034f", {"c": 1}]}) == {"a": ["b", {"c": 1}]}


@settings(max_examples=examples(300), deadline=None)
@given(st.text(st.characters(codec=None) | st.sampled_from("\u200d\u200c\ufe0f\u034f\u3164❤👩💻مक\u094d1")))
def test_cleaning_again_changes_nothing_and_leaves_only_joiners(text: str) -> None:
    once = visible(text)
    assert visible(once) == once
    unseen = {"Cc", "Cf", "Co", "Cs"}  # what is unassigned depends on the version of Unicode
    assert all(unicodedata.category(character) not in unseen or character in "\n\t\u200c\u200d" for character in once)
