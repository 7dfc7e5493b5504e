"""Removes invisible characters from external text, since a model would read them and a person would not.

A character is invisible if it has the property Default_Ignorable_Code_Point (variation selectors, tags, fillers,
direction marks) or the category C (controls, formats, surrogates, private and unassigned code points), or if it is the
blank Braille pattern.
Any of them can carry a hidden message. These are kept where they have a meaning: newline and tab; U+200C and U+200D
between letters of a script that joins its letters; U+200D and U+FE0F in the emoji sequences that Unicode lists.
"""

from typing import Any

import regex
from emoji import is_emoji

_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
_INVISIBLE = r"[[\p{Default_Ignorable_Code_Point}\p{C}\u2800]--[\n\t]]"
# Cursive scripts, by their property; then scripts whose letters join over a virama.
_CURSIVE = r"[\p{Joining_Type=D}\p{Joining_Type=R}\p{Joining_Type=L}]"
_INDIC = "".join(
    rf"\p{{Script={name}}}"
    for name in (
        *("Balinese", "Bengali", "Devanagari", "Gujarati", "Gurmukhi", "Javanese", "Kannada", "Khmer", "Malayalam"),
        *("Myanmar", "Oriya", "Sinhala", "Sundanese", "Tai_Tham", "Tamil", "Telugu", "Tibetan"),
    )
)
# The joiner comes first in the pattern: its neighbours are checked only where there is a joiner.
_JOINED = (
    rf"[\u200c\u200d](?:(?<={_CURSIVE}\p{{M}}{{0,4}}.)(?={_CURSIVE})"
    rf"|(?<=[[{_INDIC}]&&[\p{{L}}\p{{M}}]].)(?=[[{_INDIC}]&&\p{{L}}]))"
)
_ELEMENT = r"[\p{Emoji}--[#*0-9]][\p{Emoji_Modifier}\ufe0f]?"
_EMOJI = rf"[#*0-9]\ufe0f\u20e3|{_ELEMENT}(?:\u200d{_ELEMENT})*+"
_ANY = regex.compile(_INVISIBLE, regex.V1)
_PARTS = regex.compile(rf"(?P<emoji>{_EMOJI})|(?P<joined>{_JOINED})|(?P<invisible>{_INVISIBLE})", regex.V1)
_LINE_ENDS = regex.compile(r"\r\n?|[\v\f\x85]")


def visible(text: str) -> str:
    """Return a text without invisible characters, with newlines as line ends."""
    if _ANY.search(text) is None:
        return text
    return str(_PARTS.sub(_visible, _LINE_ENDS.sub("\n", text)))


def visible_line(text: str) -> str:
    """Return a text on one line with single spaces, without invisible characters."""
    return " ".join(visible(text).split())


def visible_data(data: Any) -> Any:
    """Apply `visible` to all strings and keys of JSON data; its depth must be limited."""
    if isinstance(data, str):
        return visible(data)
    if isinstance(data, list):
        return [visible_data(member) for member in data]
    if isinstance(data, dict):
        return {visible(name): visible_data(value) for name, value in data.items()}
    return data


def invisible_in(text: str) -> list[str]:
    """Return the characters that `visible` removes, except line ends."""
    if _ANY.search(text) is None:
        return []
    text = _LINE_ENDS.sub("\n", text)
    invisible: list[str] = []
    for part in _PARTS.finditer(text):
        if part["emoji"]:
            removed_count = len(part["emoji"]) - len(_standard(part["emoji"]))
            invisible += [char for char in part["emoji"] if char in {_JOINER, _EMOJI_STYLE}][:removed_count]
        elif part["invisible"]:
            invisible.append(part["invisible"])
    return invisible


def has_invisible(text: str) -> bool:
    """Tell whether a text contains invisible characters other than line ends."""
    return bool(invisible_in(text))


def _visible(part: "regex.Match[str]") -> str:
    return _standard(part["emoji"]) if part["emoji"] else part["joined"] or ""


def _standard(sequence: str) -> str:
    """Return an emoji sequence that Unicode lists; split any other sequence into single emoji."""
    if is_emoji(sequence):
        return sequence
    elements = sequence.split(_JOINER)
    return "".join(part if is_emoji(part) else part.replace(_EMOJI_STYLE, "") for part in elements)
